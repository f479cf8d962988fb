import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { MissingTool } from '../../bench/support/missing-tool.ts'
import { lineOf, WrongName } from '../../bench/support/wrong-name.ts'
import { assert, suite } from '../support/suite.ts'

/** Starting a process takes a moment on a loaded machine. */
const test = suite('bench/run', { timeoutMs: 60_000 })

const root = join(import.meta.dirname, '../..')

function run(...args: string[]): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, ['bench/run.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stderr }
}

test('a name that nothing has is said in a line, before anything is measured', () => {
  for (const [args, line] of [
    [['nothing'], 'there is no benchmark "nothing"'],
    [['--pairs', 'many'], '--pairs many: not a number of rounds'],
    [['--nothing'], "Unknown option '--nothing'"],
  ] as const) {
    const { status, stderr } = run(...args)
    assert.is(status, 2)
    assert.ok(stderr.startsWith(line), stderr)
    assert.not.match(stderr, /\n {4}at /)
  }
})

test('a fault of our own is no line of usage, whatever its class', () => {
  assert.is(lineOf(new WrongName('there is no target "x"')), 'there is no target "x"')
  assert.is(typeof lineOf(new MissingTool('wrk', 'wrk')), 'string')
  assert.is(lineOf(new RangeError('Invalid array length')), null)
  assert.is(lineOf('text'), null)
})
