import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as runTests } from '../../../host/cli/commands/test.ts'
import { Cleanup } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'
import { pluginFolder } from '../../toolchain/support.ts'
import { fakeIo } from '../support.ts'

const test = suite('cli/commands/test', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const KIT = new URL('../../../host/testing.ts', import.meta.url).href
const UVU = import.meta.resolve('uvu')
const GOOD = `export class A extends Filter {
  onRequest(request: Request): void { request.headers.set('x-a', '1') }
}`

const nodeTest = (value: string): string => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFilter } from '${KIT}'

test('the header is there', async () => {
  const filter = await loadFilter('build/my-plugin.wasm')
  const { request } = await filter.request({ path: '/' })
  assert.equal(request.headers.get('x-a'), '${value}')
})
`

test('builds, runs the tests and says what to do next', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': GOOD, 'a.test.ts': nodeTest('1') })
  const io = fakeIo({ cwd: dir, env: { PATH: process.env['PATH'] ?? '' } })
  assert.is(await runTests([], io), 0, io.out() + io.err())
  assert.match(io.out(), /^my-plugin +request/)
  assert.match(io.out(), /✔ the header is there/)
  assert.match(io.out(), /all tests passed\nNext: "penstock bench build\/my-plugin\.wasm" says/)
})

test('a test that fails is exit code 1, and shows what was seen', async () => {
  const files = { 'index.ts': GOOD, 'test/b.test.ts': nodeTest('2') }
  const dir = await pluginFolder(cleanup, files)
  const io = fakeIo({ cwd: '/' })
  assert.is(await runTests([dir], io), 1)
  assert.match(io.out(), /'1' !== '2'|\+ '1'/)
  assert.match(io.err(), /tests of .*My Plugin failed/)
})

test('a plugin with errors is not tested', async () => {
  const dir = await pluginFolder(cleanup, {
    'index.ts': 'export class A extends Filter {\n  onDone(x: i32): void {}\n}',
    'a.test.ts': nodeTest('1'),
  })
  const io = fakeIo({ cwd: dir })
  assert.is(await runTests([], io), 1)
  assert.match(io.err(), 'write this phase as onDone')
  assert.not.match(io.out(), 'the header is there')
})

test('no tests and no plugin are exit code 2', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': GOOD, 'build/old.test.ts': 'throw 1' })
  const io = fakeIo({ cwd: dir })
  assert.is(await runTests([], io), 2)
  assert.match(io.err(), `there are no tests in ${dir}`)
  const nothing = fakeIo({ cwd: '/' })
  assert.is(await runTests(['/nowhere'], nothing), 2)
  assert.match(nothing.err(), 'there is no plugin')
})

test('a file written for uvu runs by itself', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': GOOD })
  const file = (value: string): string => `import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { loadFilter } from '${KIT}'
test('with uvu', async () => {
  const { request } = await (await loadFilter('build/my-plugin.wasm')).request()
  assert.is(request.headers.get('x-a'), '${value}')
})
test.run()
`
  const write = (value: string): Promise<void> =>
    writeFile(
      join(dir, 'c.test.js'),
      // The folder is outside of the checkout: the packages are named by their files.
      file(value)
        .replace("from 'uvu'", `from '${UVU}' // from 'uvu'`)
        .replace("'uvu/assert'", `'${UVU.replace(/dist\/index\.m?js$/, 'assert/index.mjs')}'`),
    )
  await write('1')
  const good = fakeIo({ cwd: dir })
  assert.is(await runTests([], good), 0, good.out() + good.err())
  assert.match(good.out(), /Passed: +1/)
  await write('2')
  assert.is(await runTests([], fakeIo({ cwd: dir })), 1)
})

test('a file written for vitest runs with the vitest of the project, and says so when there is none', async () => {
  const files = {
    'index.ts': GOOD,
    'a.test.ts': nodeTest('1'),
    'b.test.ts': "import { test } from 'vitest'\n",
  }
  const dir = await pluginFolder(cleanup, {
    ...files,
    'node_modules/vitest/package.json': '{ "bin": { "vitest": "./run.mjs" } }',
    'node_modules/vitest/run.mjs': 'console.log(`vitest: ${process.argv.slice(2)}`)\n',
  })
  const io = fakeIo({ cwd: dir, env: { NO_COLOR: '1' } })
  assert.is(await runTests([], io), 0, io.out() + io.err())
  assert.match(io.out(), `vitest: run,${join(dir, 'b.test.ts')}\n`)
  assert.match(io.out(), '✔ the header is there')
  const without = fakeIo({ cwd: await pluginFolder(cleanup, files), env: { NO_COLOR: '1' } })
  assert.is(await runTests([], without), 1)
  assert.match(without.err(), "Cannot find package 'vitest'")
})
