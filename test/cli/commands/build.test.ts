import { Readable } from 'node:stream'
import { build } from '../../../host/cli/commands/build.ts'
import type { CliIo } from '../../../host/cli/io.ts'
import { Cleanup } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'
import { pluginFolder } from '../../toolchain/support.ts'

const test = suite('cli/commands/build', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

interface Captured extends CliIo {
  readonly out: string[]
  readonly err: string[]
}

const capture = (cwd: string, isTerminal = false): Captured => {
  const out: string[] = []
  const err: string[] = []
  return {
    out,
    err,
    stdout: { write: (text) => out.push(text), isTerminal },
    stderr: { write: (text) => err.push(text), isTerminal },
    stdin: Readable.from([]),
    env: { NO_COLOR: '1' },
    cwd,
    user: null,
    columns: 0,
    openLog: () => ({ destination: { write: () => undefined }, close: () => Promise.resolve() }),
    takeSignals: () => () => undefined,
  }
}

const GOOD = 'export class A extends Filter { onRequest(request: Request): void {} }'

test('writes a line for each plugin, and says when there was nothing to do', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': GOOD })
  const first = capture(dir)
  assert.is(await build([], first), 0)
  assert.match(first.out.join(''), /^my-plugin +request +\d+\.\d KB +\d+\.\d s\n$/)
  const second = capture('/')
  assert.is(await build([dir], second), 0)
  assert.match(second.out.join(''), /unchanged\n$/)
})

test('goes on after a plugin with errors, shows them and exits 1', async () => {
  const bad = await pluginFolder(cleanup, {
    'index.ts': 'export class A extends Filter {\n  onDone(x: i32): void {}\n}',
  })
  const good = await pluginFolder(cleanup, { 'index.ts': GOOD })
  const io = capture(bad)
  assert.is(await build([bad, good], io), 1)
  assert.is(
    io.err.join(''),
    'index.ts:3:10: error: write this phase as onDone(response?: Response): void\nmy-plugin             1 error\n',
  )
  assert.match(io.out.join(''), /^my-plugin +request/)
  const terminal = capture(bad, true)
  assert.is(await build([bad], terminal), 1)
  assert.match(terminal.err.join(''), '  3 |   onDone(x: i32): void {}\n    |          ^')
})

test('exits 2 when there is no plugin, whatever else fails', async () => {
  const bad = await pluginFolder(cleanup, { 'index.ts': 'export class A {}' })
  const io = capture('/')
  assert.is(await build(['/nowhere', bad], io), 2)
  assert.match(io.err.join(''), 'there is no plugin: /nowhere/index.ts does not exist')
})
