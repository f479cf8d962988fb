import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isGatewayError } from '../../host/errors.ts'
import { type BuildResult, buildPlugin } from '../../host/toolchain/build-plugin.ts'
import {
  type CompileRequest,
  type CompileResult,
  compilePlugin,
} from '../../host/toolchain/compile.ts'
import { formatDiagnostic, formatFrame } from '../../host/toolchain/diagnostic.ts'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { pluginFolder } from './support.ts'

const test = suite('toolchain/build-plugin', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const SOURCE = `import { NAME } from './name'
export class A extends Filter {
  onRequest(request: Request): void { request.headers.set(NAME, 'one') }
}`

let compilations = 0
const compile = (request: CompileRequest): Promise<CompileResult> => {
  compilations += 1
  return compilePlugin(request)
}

/** Builds without optimization: these tests ask whether, not how well. */
const build = (path: string, debug = false): Promise<BuildResult> =>
  buildPlugin({ path, optimize: 0, debug }, compile)

const folder = (more: Readonly<Record<string, string>> = {}): Promise<string> =>
  pluginFolder(cleanup, { 'index.ts': SOURCE, 'name.ts': "export const NAME = 'x-name'", ...more })

test('writes module, source map and record; the folder gives the name', async () => {
  const dir = await folder()
  const result = await build(dir)
  assert.ok(result.kind === 'built')
  assert.is(result.outFile, join(dir, 'build', 'my-plugin.wasm'))
  assert.is(result.description.version, '0.0.0')
  const files = await readdir(join(dir, 'build'))
  assert.equal(files.sort(), ['my-plugin.wasm', 'my-plugin.wasm.build.json', 'my-plugin.wasm.map'])
  const map = JSON.parse(await readFile(`${result.outFile}.map`, 'utf8')) as { sources: string[] }
  assert.ok(map.sources.includes('index.ts'))
  assert.is((await readFile(result.outFile)).length, result.bytes)
})

test('a package file gives name, version and what the source cannot say', async () => {
  const result = await build(
    await folder({
      'package.json': JSON.stringify({
        name: '@acme/Gate',
        version: '1.2.3-beta.1',
        penstock: { shared: ['tenant'], bodyLimit: 1024 },
      }),
    }),
  )
  assert.ok(result.kind === 'built')
  assert.is(result.name, 'acme.gate')
  assert.is(result.description.version, '1.2.3-beta.1')
  assert.equal(result.description.shared, ['tenant'])
  assert.is(result.description.body.limit, 1024)
})

test('nothing is compiled again until an input changes', async () => {
  const dir = await folder()
  await build(dir)
  const again = async (): Promise<boolean> => {
    const before = compilations
    const result = await build(dir)
    assert.ok(result.kind === 'built')
    assert.is(result.isCached, compilations === before)
    return compilations > before
  }
  assert.is(await again(), false)
  await writeFile(join(dir, 'name.ts'), "export const NAME = 'x-other'")
  assert.is(await again(), true)
  assert.is(await again(), false)
  await writeFile(join(dir, 'package.json'), '{"version":"9.9.9"}')
  assert.is(await again(), true)
  await writeFile(join(dir, 'build', 'my-plugin.wasm'), 'broken')
  assert.is(await again(), true)
  await rm(join(dir, 'build', 'my-plugin.wasm.build.json'))
  assert.is(await again(), true)
  const before = compilations
  await buildPlugin({ path: dir, optimize: 1 }, compile)
  assert.is(compilations, before + 1)
})

test('a failed build keeps the module of the last good one', async () => {
  const dir = await folder()
  const good = await build(dir)
  const bytes = await readFile(good.outFile)
  await writeFile(join(dir, 'name.ts'), 'export const NAME: i32 = 5')
  const bad = await build(dir)
  assert.is(bad.kind, 'failed')
  assert.equal(await readFile(good.outFile), bytes)
  await writeFile(join(dir, 'name.ts'), "export const NAME = 'x-name'")
  const back = await build(dir)
  assert.ok(back.kind === 'built' && back.isCached)
})

test('a type error has its place, a frame and the types by their names', async () => {
  const dir = await pluginFolder(cleanup, {
    'index.ts': `export class A extends Filter {
  onRequest(request: Request): void {
    const length: i32 = request.headers.get('a').length
    request.nothing()
  }
}`,
  })
  const result = await build(dir)
  const [first, second] = result.diagnostics.filter(({ severity }) => severity === 'error')
  assert.ok(first !== undefined && second !== undefined)
  assert.is(
    formatDiagnostic(first, dir),
    "index.ts:4:25: error: Type 'Text | null' is not assignable to type 'Text': compare it with null first",
  )
  assert.is(
    formatFrame(first),
    `  4 |     const length: i32 = request.headers.get('a').length\n    |                         ${'^'.repeat(24)}`,
  )
  assert.is(
    formatDiagnostic(second, dir),
    "index.ts:5:13: error: Property 'nothing' does not exist on type 'Request'",
  )
})

test('an import that leads nowhere is an error at its place', async () => {
  const dir = await pluginFolder(cleanup, {
    'index.ts':
      "import { x } from './gone'\nexport class A extends Filter { onDone(): void { x() } }",
  })
  const result = await build(dir)
  const messages = result.diagnostics.map((one) => formatDiagnostic(one, dir))
  assert.match(messages.join('\n'), /^index\.ts:2:19: error: File 'gone\.ts' not found/m)
})

test('debug builds a second module with the names of functions', async () => {
  const dir = await folder()
  const result = await build(dir, true)
  assert.ok(result.kind === 'built')
  const debug = await readFile(join(dir, 'build', 'my-plugin.debug.wasm'))
  assert.ok(debug.includes('onRequest'))
  assert.ok(WebAssembly.validate(new Uint8Array(debug)))
})

test('a folder without a plugin and a wrong package file are errors of their own', async () => {
  const fails = async (path: string): Promise<unknown> => {
    try {
      await build(path)
    } catch (error) {
      return error
    }
    return null
  }
  assert.ok(isGatewayError(await fails('/nowhere'), 'TOOLCHAIN_SOURCE'))
  const wrong = await folder({ 'package.json': '{"penstock":{"sharde":[]}}' })
  assert.ok(isGatewayError(await fails(wrong), 'TOOLCHAIN_PACKAGE'))
  assert.not(existsSync(join(wrong, 'build')))
})

test('a plugin may be a single file', async () => {
  const dir = await pluginFolder(cleanup, {
    'index.ts': SOURCE,
    'name.ts': "export const NAME = 'n'",
  })
  await writeFile(join(dir, 'tiny-gate.ts'), await readFile(join(dir, 'index.ts')))
  const result = await build(join(dir, 'tiny-gate.ts'))
  assert.is(result.kind, 'built')
  assert.is(result.outFile, join(dir, 'build', 'tiny-gate.wasm'))
})
