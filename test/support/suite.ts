import { realpathSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import * as assert from 'uvu/assert'
import { OPEN_HANDLE_GRACE_MS, TEST_TIMEOUT_MS } from './limits.ts'
import { openResources, writeReport } from './report.ts'

export { assert }

export type TestBody = () => void | Promise<void>

export interface Hook {
  /** Once for the suite. */
  (body: TestBody): void
  /** Around every test of the suite. A failure is a failure of that test. */
  each(body: TestBody): void
}

export interface Suite {
  (title: string, body: TestBody): void
  readonly before: Hook
  readonly after: Hook
}

export interface SuiteOptions {
  /** How long one test, or one hook, may take. Default 60 s. */
  readonly timeoutMs?: number
}

/**
 * A suite of tests that runs by itself once its file is evaluated. There is no `run`, `only` or `skip`.
 *
 * uvu reports success when a hook throws, when `run` is forgotten, when a file holds no test and when a
 * test never settles. Here each of these fails the run, and so does an error nobody caught and a handle
 * nobody closed.
 */
export function suite(name: string, options: SuiteOptions = {}): Suite {
  const timeoutMs = options.timeoutMs ?? TEST_TIMEOUT_MS
  const runner = uvu.suite(name)
  const entry: Entry = { name, registered: 0, isStarted: false, start: () => runner.run() }
  const beforeEach: TestBody[] = []
  const afterEach: TestBody[] = []
  let hasBeforeFailed = false

  const add = (title: string, body: TestBody): void => {
    if (entry.isStarted) {
      problem(`${name}: "${title}" was registered after the suite had started`)
      return
    }
    entry.registered += 1
    registered += 1
    runner(title, async () => {
      if (hasBeforeFailed) throw new Error('not run: the before hook failed')
      await runTest(title, body, beforeEach, afterEach, timeoutMs)
      passed += 1
    })
  }

  // uvu swallows what its own hooks throw, so those it is given never throw.
  const before = (body: TestBody): void =>
    runner.before(async () => {
      if (hasBeforeFailed) return
      try {
        await bounded('the before hook', body, timeoutMs)
      } catch (thrown) {
        hasBeforeFailed = true
        problem(`${name}: ${inspect(presentable(thrown, 'the before hook failed: '))}`)
      }
    })
  const after = (body: TestBody): void =>
    runner.after(async () => {
      try {
        await bounded('the after hook', body, timeoutMs)
      } catch (thrown) {
        problem(`${name}: ${inspect(presentable(thrown, 'the after hook failed: '))}`)
      }
    })

  schedule(entry)
  return Object.assign(add, {
    before: Object.assign(before, { each: (body: TestBody) => void beforeEach.push(body) }),
    after: Object.assign(after, { each: (body: TestBody) => void afterEach.push(body) }),
  })
}

/** The each-hooks run inside the test, so that their failure is one of the test. */
async function runTest(
  title: string,
  body: TestBody,
  beforeEach: readonly TestBody[],
  afterEach: readonly TestBody[],
  timeoutMs: number,
): Promise<void> {
  const errors: Error[] = []
  const attempt = async (what: string, step: TestBody): Promise<void> => {
    try {
      await bounded(what, step, timeoutMs)
    } catch (thrown) {
      errors.push(presentable(thrown, what === title ? '' : `${what} failed: `))
    }
  }
  for (const hook of beforeEach) await attempt('a before.each hook', hook)
  if (errors.length === 0) await attempt(title, body)
  for (const hook of afterEach) await attempt('an after.each hook', hook)
  for (const error of errors.slice(1)) process.stderr.write(`${inspect(error)}\n`)
  if (errors[0] !== undefined) {
    if (errors[0].cause !== undefined) process.stderr.write(`${inspect(errors[0])}\n`)
    throw errors[0]
  }
}

/** Runs `body` under a time limit. The referenced timer also keeps a test alive that waits for nothing. */
function bounded(what: string, body: TestBody, timeoutMs: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const settle = (settled: () => void): void => {
      clearTimeout(timer)
      interrupt = null
      settled()
    }
    const fail = (thrown: unknown): void => settle(() => reject(thrown))
    const timer = setTimeout(
      () => fail(new Error(`${what}: not done after ${timeoutMs} ms`)),
      timeoutMs,
    )
    interrupt = fail
    new Promise<void>((done) => done(body())).then(() => settle(resolve), fail)
  })
}

/** uvu's printer throws, and then drops the failure, when what was thrown is not a plain error. */
function presentable(thrown: unknown, prefix = ''): Error {
  if (
    prefix === '' &&
    thrown instanceof Error &&
    typeof thrown.stack === 'string' &&
    typeof thrown.name === 'string' &&
    !thrown.name.startsWith('AssertionError')
  ) {
    return thrown
  }
  const isError = thrown instanceof Error
  const error = new Error(prefix + (isError ? thrown.message : `thrown: ${inspect(thrown)}`))
  if (isError && thrown.stack !== undefined) error.stack = prefix + thrown.stack
  return error
}

interface Entry {
  readonly name: string
  registered: number
  isStarted: boolean
  start(): void
}

const waiting: Entry[] = []
let registered = 0
let passed = 0
let problems = 0
let isRunning = false
let hasEnded = false
/** Fails the body that runs now; an error nobody caught belongs to it. */
let interrupt: ((thrown: unknown) => void) | null = null

function schedule(entry: Entry): void {
  waiting.push(entry)
  if (isRunning) return
  isRunning = true
  hasEnded = false
  void mainModule().then(drain)
}

/**
 * Resolves when the test file is evaluated, a top-level await included: importing a module that is being
 * evaluated waits for it. Its failure arrives as an uncaught exception.
 */
function mainModule(): Promise<unknown> {
  const path = process.argv[1]
  if (path === undefined) return Promise.resolve()
  return import(pathToFileURL(realpathSync(path)).href).catch(() => undefined)
}

async function drain(): Promise<void> {
  while (waiting.length > 0) {
    // uvu never empties its queue: what is left in it would run a second time.
    uvuGlobals.UVU_QUEUE.length = 0
    uvuGlobals.UVU_QUEUE.push([null])
    for (const entry of waiting.splice(0)) {
      entry.isStarted = true
      if (entry.registered === 0) problem(`${entry.name}: the suite has no tests`)
      entry.start()
    }
    await uvu.exec()
  }
  isRunning = false
  hasEnded = true
  report()
  setTimeout(() => {
    problem(`still open ${OPEN_HANDLE_GRACE_MS} ms after the last test: ${openResources()}`)
    process.exit(1)
  }, OPEN_HANDLE_GRACE_MS).unref()
}

/** A failure that belongs to no test. */
function problem(text: string): void {
  problems += 1
  // Synchronous: the process may be about to end.
  writeSync(2, `FAIL ${text}\n`)
  process.exitCode = 1
  report()
}

function report(): void {
  writeReport({ registered, passed, failed: registered - passed + problems, hasEnded })
}

process.on('uncaughtException', (error, origin) => {
  if (interrupt !== null) interrupt(error)
  else problem(`${origin}: ${inspect(error)}`)
})

process.on('exit', () => {
  if (registered === 0) problem('no test was registered')
  else if (!hasEnded) problem('the process ended before its tests did')
  report()
  if (passed < registered || problems > 0) process.exitCode ||= 1
})

/** With UVU_DEFER uvu leaves it to the caller when to start; it looks at that once, when it is loaded. */
const uvuGlobals = Object.assign(globalThis, { UVU_DEFER: 1, UVU_QUEUE: [] as unknown[][] })
const uvu = await import('uvu')
