import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { assert, suite } from './suite.ts'

const test = suite('support/suite', { timeoutMs: 60_000 })

interface Run {
  readonly code: number
  readonly output: string
  /** What continuous integration reads. */
  readonly lastLine: string
}

/** Runs fixtures the way `npm test` runs test files. */
function run(...args: readonly string[]): Promise<Run> {
  const runner = join(import.meta.dirname, '../run.ts')
  return new Promise((resolve) => {
    execFile(process.execPath, [runner, ...args], (error, stdout, stderr) => {
      const lastLine = stdout.trimEnd().split('\n').at(-1) ?? ''
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr, lastLine })
    })
  })
}

const fixture = (name: string): string =>
  join(import.meta.dirname, 'fixtures', `${name}.fixture.ts`)

/** Every way a run must fail, with what its output must say. */
const HOLES: readonly [title: string, name: string, lastLine: string, says: string][] = [
  ['a failing test fails the run', 'failing-test', '1 passed, 1 failed', '"fails"'],
  ['a throwing before hook fails every test', 'before-throws', '0 passed, 2 failed', 'no database'],
  ['a throwing after hook fails the run', 'after-throws', '1 passed, 1 failed', 'cannot close'],
  [
    'a throwing before.each hook fails the test',
    'before-each-throws',
    '0 passed, 1 failed',
    'no folder',
  ],
  [
    'a throwing after.each hook fails the test',
    'after-each-throws',
    '0 passed, 1 failed',
    'cannot clean up',
  ],
  ['a suite without tests fails the run', 'no-tests', '1 passed, 1 failed', 'empty: the suite has'],
  ['a file without tests fails the run', 'no-suite', '0 passed, 1 failed', 'no tests reported'],
  ['a test that never settles is ended', 'never-settles', '0 passed, 1 failed', 'after 100 ms'],
  ['a hook that never settles is ended', 'hook-never-settles', '0 passed, 2 failed', '100 ms'],
  [
    'an uncaught exception fails the test that runs',
    'uncaught-exception',
    '0 passed, 1 failed',
    'thrown by a timer',
  ],
  [
    'an unhandled rejection after the last test fails the run',
    'unhandled-rejection',
    '1 passed, 1 failed',
    'nobody listens',
  ],
  [
    'a process that exits before its tests ended fails the run',
    'exits-early',
    '0 passed, 3 failed',
    'ended before its tests did',
  ],
  [
    'a file whose evaluation fails fails the run',
    'evaluation-fails',
    '1 passed, 1 failed',
    'the file is broken',
  ],
  [
    'a test registered after the start fails the run',
    'registered-late',
    '1 passed, 1 failed',
    'after the suite had started',
  ],
  [
    'odd things thrown are failures and stop no other test',
    'odd-errors',
    '1 passed, 2 failed',
    'only a text',
  ],
  ['an open handle fails the run', 'open-handle', '1 passed, 1 failed', 'TCPServerWrap'],
]

for (const [title, name, lastLine, says] of HOLES) {
  test(title, async () => {
    const result = await run(fixture(name))
    assert.is(result.lastLine, lastLine, result.output)
    assert.is(result.code, 1)
    assert.ok(result.output.includes(says), result.output)
    assert.ok(result.output.includes(`fixtures/${name}.fixture.ts`), result.output)
  })
}

test('passing tests pass, their output is hidden, a top-level await is waited for', async () => {
  const { code, lastLine, output } = await run(fixture('passing'))
  assert.is(lastLine, '2 passed, 0 failed', output)
  assert.is(code, 0)
  assert.is(output.trimEnd().split('\n').length, 2, output)
})

test('--verbose shows the output of a file that passes', async () => {
  const { output } = await run('--verbose', fixture('passing'))
  assert.ok(output.includes('Total:'), output)
})

test('a file that blocks is ended at its time limit', async () => {
  const { code, lastLine, output } = await run('--file-timeout', '1500', fixture('endless-loop'))
  assert.is(lastLine, '0 passed, 1 failed', output)
  assert.is(code, 1)
  assert.ok(output.includes('not done after 1500 ms'), output)
})

test('a process that a test forgot is ended and holds nothing up', async () => {
  const { lastLine, output } = await run(fixture('forgotten-process'))
  assert.is(lastLine, '1 passed, 0 failed', output)
})

test('a run of nothing fails', async () => {
  const { code, lastLine } = await run(join(import.meta.dirname, 'no-such-folder'))
  assert.is(lastLine, '0 passed, 1 failed')
  assert.is(code, 1)
})

test('counts are summed over files', async () => {
  const { lastLine, output } = await run(fixture('passing'), fixture('failing-test'))
  assert.is(lastLine, '3 passed, 1 failed', output)
})

test('an unknown flag is a mistake of usage', async () => {
  const { code, output } = await run('--fast')
  assert.is(code, 2)
  assert.ok(output.includes('usage: '), output)
})
