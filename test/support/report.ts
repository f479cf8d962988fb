import { writeSync } from 'node:fs'

/** What a test process knows about itself; the last report of a process counts. */
export interface Report {
  readonly registered: number
  readonly passed: number
  /** Tests that did not pass, and failures that belong to no test. */
  readonly failed: number
  readonly hasEnded: boolean
}

/** Names the descriptor reports are written to; set by `test/run.ts` only. */
export const REPORT_FD_VARIABLE = 'PENSTOCK_TEST_REPORT_FD'

const descriptor = Number(process.env[REPORT_FD_VARIABLE] ?? -1)
// A process that a test starts must not report as if it were the test.
delete process.env[REPORT_FD_VARIABLE]

/** One line of JSON per report, written at once: a later crash cannot lose it. */
export function writeReport(report: Report): void {
  if (descriptor >= 0) writeSync(descriptor, `${JSON.stringify(report)}\n`)
}

/** The last complete report in `text`, or undefined. */
export function readLastReport(text: string): Report | undefined {
  const lines = text.split('\n')
  const last = lines.at(-2)
  return last === undefined ? undefined : (JSON.parse(last) as Report)
}

/** What keeps this process alive, by kind: `2 TCPServerWrap, 1 Timeout`. */
export function openResources(): string {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}
