import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { assert, suite } from '../support/suite.ts'

const test = suite('ci/imports')
let root = ''

test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'penstock-imports-'))
})
test.after.each(() => rmSync(root, { recursive: true }))

/** Checks a tree of files given as path under host/ and text. */
function check(files: Readonly<Record<string, string>>): Promise<{ ok: boolean; output: string }> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, 'host', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const script = join(import.meta.dirname, '../../.ci/imports.ts')
  return new Promise((resolve) => {
    execFile(process.execPath, [script, root], (error, stdout) =>
      resolve({ ok: error === null, output: stdout }),
    )
  })
}

const GOOD = {
  'main.ts': "import './gateway.ts'\n",
  'gateway.ts': "import { router } from './traffic/router.ts'\n",
  'traffic/router.ts': "import { fail } from '../errors.ts'\nimport { rule } from './rule.ts'\n",
  'traffic/rule.ts': "import { readFileSync } from 'node:fs'\nimport { z } from 'zod'\n",
  'errors.ts': '',
}

test('accepts imports that go down, beside, and to packages', async () => {
  const { ok, output } = await check(GOOD)
  assert.ok(ok, output)
  assert.match(output, '5 files under host/, 0 wrong imports')
})

test('refuses an import that goes up, by file and line', async () => {
  const { ok, output } = await check({
    ...GOOD,
    'errors.ts': "\nimport {\n  a,\n  b,\n} from './traffic/rule.ts'\n",
  })
  assert.not.ok(ok)
  assert.match(
    output,
    'host/errors.ts:5: imports host/traffic/rule.ts: errors does not stand above',
  )
})

test('sees type imports, exports, dynamic imports and worker files', async () => {
  const { output } = await check({
    'errors.ts': [
      "import type { A } from './admin/a.ts'",
      "export { b } from './control/b.ts'",
      "const c = await import('./traffic/c.ts')",
      "const d = new URL('./wasm/d.ts', import.meta.url)",
      "export * from './objects/e.ts'",
      '',
    ].join('\n'),
  })
  assert.match(output, '5 wrong imports')
})

test('an example in a comment is no import', async () => {
  const { ok, output } = await check({
    'errors.ts': "/**\n * import { serve } from './gateway.ts'\n */\nexport const a = 1\n",
  })
  assert.ok(ok, output)
})

test('layers of one rank do not see each other', async () => {
  const { output } = await check({ 'wasm/a.ts': "import '../upstream/b.ts'\n" })
  assert.match(output, 'wasm does not stand above upstream')
})

test('only the top imports the toolchain', async () => {
  const { output } = await check({
    'cli/build.ts': "import '../toolchain/compiler.ts'\n",
    'filters/wasm-host.ts': "import '../toolchain/compiler.ts'\n",
  })
  assert.match(output, 'host/filters/wasm-host.ts:1: imports host/toolchain/compiler.ts: only')
  assert.match(output, '1 wrong imports')
})

test('commands see the shapes of the admin API and not its server', async () => {
  const { output } = await check({
    'cli/get.ts': "import '../admin/schemas.ts'\nimport '../admin/server.ts'\n",
    'cli/apply.ts': "import '../upstream/server-pool.ts'\n",
  })
  assert.match(output, 'host/cli/get.ts:2: imports host/admin/server.ts')
  assert.match(
    output,
    'host/cli/apply.ts:1: imports host/upstream/server-pool.ts: cli imports only',
  )
  assert.match(output, '2 wrong imports')
})

test('nothing under host/ imports from outside of it', async () => {
  const { output } = await check({ 'clock.ts': "import '../test/support/suite.ts'\n" })
  assert.match(output, 'host/ imports nothing from outside')
})

test('a folder without a place among the layers is told', async () => {
  const { output } = await check({ 'gateway.ts': "import './utils/strings.ts'\n" })
  assert.match(output, '"utils" has no place among the layers')
})

test('files that import each other in a circle are told once', async () => {
  const { ok, output } = await check({
    'http/a.ts': "import './b.ts'\n",
    'http/b.ts': "export { c } from './c.ts'\n",
    'http/c.ts': "\nimport './a.ts'\nimport type { D } from './d.ts'\n",
    'http/d.ts': "import './c.ts'\n",
  })
  assert.not.ok(ok)
  assert.match(
    output,
    'closes a circle: host/http/a.ts > host/http/b.ts > host/http/c.ts > host/http/a',
  )
  assert.match(output, '1 wrong imports')
})
