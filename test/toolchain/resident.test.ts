import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isGatewayError } from '../../host/errors.ts'
import { ResidentCompiler } from '../../host/toolchain/resident.ts'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { IMPORTS, pluginFolder } from './support.ts'

const test = suite('toolchain/resident', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const source = (value: string): string =>
  `export class A extends Filter { onRequest(request: Request): void { request.headers.set('x', '${value}') } }`

const resident = (): ResidentCompiler => {
  const compiler = new ResidentCompiler()
  cleanup.add(() => compiler.close())
  return compiler
}

test('compiles what was saved last, and a later one does not load the compiler again', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': source('first') })
  const entry = join(dir, 'index.ts')
  const compiler = resident()
  const first = await compiler.compile({ entry })
  await writeFile(entry, `${IMPORTS}${source('second-one')}`)
  const second = await compiler.compile({ entry })
  assert.ok(first.kind === 'compiled' && second.kind === 'compiled')
  assert.ok(Buffer.from(second.wasm).includes(Buffer.from('second-one', 'utf16le')))
  assert.ok(second.durationMs < first.durationMs, `${first.durationMs}, ${second.durationMs} ms`)
})

test('takes what comes at once, one after the other', async () => {
  const compiler = resident()
  const dirs = await Promise.all(
    ['one', 'two', 'three'].map((value) => pluginFolder(cleanup, { 'index.ts': source(value) })),
  )
  const bad = await pluginFolder(cleanup, { 'index.ts': 'export class A {' })
  const results = await Promise.all(
    [...dirs, bad].map((dir) => compiler.compile({ entry: join(dir, 'index.ts'), optimize: 0 })),
  )
  assert.equal(
    results.map(({ kind }) => kind),
    ['compiled', 'compiled', 'compiled', 'failed'],
  )
})

test('an error keeps its code across the thread, and the compiler goes on', async () => {
  const compiler = resident()
  const dir = await pluginFolder(cleanup, { 'index.ts': source('x'), 'package.json': '{' })
  try {
    await compiler.compile({ entry: join(dir, 'index.ts') })
    assert.unreachable('it was compiled')
  } catch (error) {
    assert.ok(isGatewayError(error, 'TOOLCHAIN_PACKAGE'))
  }
  await writeFile(join(dir, 'package.json'), '{}')
  const result = await compiler.compile({ entry: join(dir, 'index.ts'), optimize: 0 })
  assert.is(result.kind, 'compiled')
})

test('close fails what is being compiled instead of leaving it waiting', async () => {
  const compiler = resident()
  const dir = await pluginFolder(cleanup, { 'index.ts': source('x') })
  const result = compiler.compile({ entry: join(dir, 'index.ts') }).then(
    () => null,
    (error: unknown) => error,
  )
  await new Promise((resolve) => setImmediate(resolve))
  await compiler.close()
  assert.ok(isGatewayError(await result, 'TOOLCHAIN_CRASHED'))
  await compiler.close()
})
