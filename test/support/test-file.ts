import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { OPEN_HANDLE_GRACE_MS } from './limits.ts'
import { REPORT_FD_VARIABLE, type Report, readLastReport } from './report.ts'

/** What came of one test file. */
export interface FileOutcome {
  readonly passed: number
  /** At least 1 when anything at all was wrong. */
  readonly failed: number
  /** What was wrong with the file as a whole, or null. */
  readonly reason: string | null
  /** Everything the file wrote, in order. */
  readonly output: string
  readonly durationMs: number
}

const running = new Set<ChildProcess>()

/**
 * Runs one test file in a process (and process group) of its own, and ends what it leaves behind.
 * The process must report how many tests it had, and end by itself within `timeoutMs`.
 */
export async function runTestFile(path: string, timeoutMs: number): Promise<FileOutcome> {
  const startedAtMs = performance.now()
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env
  const child = spawn(process.execPath, [path], {
    detached: true,
    env: { ...env, [REPORT_FD_VARIABLE]: '3' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  let killedBecause: string | null = null
  const kill = (reason: string): void => {
    killedBecause ??= reason
    endGroup(child)
  }
  let output = ''
  let reports = ''
  const keep = (chunk: string): void => {
    output += chunk
  }
  child.stdout?.setEncoding('utf8').on('data', keep)
  child.stderr?.setEncoding('utf8').on('data', keep)
  const reportPipe = child.stdio[3] as Readable
  let backstop: NodeJS.Timeout | undefined
  reportPipe.setEncoding('utf8').on('data', (chunk: string) => {
    reports += chunk
    // The process ends itself when something stays open; this is for one whose event loop is blocked.
    clearTimeout(backstop)
    if (readLastReport(reports)?.hasEnded === true) {
      const reason = 'it did not end after its last test'
      backstop = setTimeout(() => kill(reason), 2 * OPEN_HANDLE_GRACE_MS)
    }
  })
  const limit = setTimeout(() => kill(`not done after ${timeoutMs} ms`), timeoutMs)

  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('error', (error) => {
      output += `${error.message}\n`
    })
    child.once('exit', (exitCode, exitSignal) => {
      clearTimeout(limit)
      clearTimeout(backstop)
      // What the file started and forgot would hold the pipes open.
      endGroup(child)
      child.once('close', () => resolve([exitCode, exitSignal]))
    })
  })
  running.delete(child)

  const report = readLastReport(reports)
  const reason = killedBecause ?? reasonOf(report, code, signal)
  return {
    passed: report?.passed ?? 0,
    failed: Math.max(report?.failed ?? 0, reason === null ? 0 : 1),
    reason,
    output,
    durationMs: performance.now() - startedAtMs,
  }
}

/** Ends every test process that still runs, with all it started. */
export function endAll(): void {
  for (const child of running) endGroup(child)
}

function reasonOf(
  report: Report | undefined,
  code: number | null,
  signal: NodeJS.Signals | null,
): string | null {
  if (signal !== null) return `ended by ${signal}`
  if (report === undefined) return `no tests reported (exit code ${code})`
  if (report.registered === 0) return 'no tests'
  if (!report.hasEnded) return 'it ended before its tests did'
  if (report.failed > 0) return `${report.failed} failed`
  if (code !== 0) return `exit code ${code}`
  return null
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: everything in the group has ended, which is what we want.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
