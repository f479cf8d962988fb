import { execFile } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { needProgram } from './missing-tool.ts'
import { REQUEST_FIELDS } from './wrk.ts'

/** One request as h2load has seen it. */
export interface TimedRequest {
  /** Microseconds since the epoch. */
  readonly startedUs: number
  readonly durationUs: number
}

export interface TimedLoad {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests per second altogether; null for as many as are answered. */
  readonly rate: number | null
  readonly core: number
  /** Where h2load writes what it saw. */
  readonly logFile: string
}

const run = promisify(execFile)

/** Fails with MissingTool when h2load is not installed. */
export function needH2load(): string {
  return needProgram('h2load', 'nghttp2-client')
}

/**
 * HTTP/1.1 load with the time of every single request, in the order of their starts. Fails with MissingTool
 * when h2load is not installed, and when a request failed.
 */
export async function timedLoad(load: TimedLoad): Promise<readonly TimedRequest[]> {
  const { port, connections, seconds, rate, core, logFile } = load
  rmSync(logFile, { force: true })
  await run('taskset', [
    ...['-c', String(core), needH2load(), '--h1'],
    ...['-c', String(connections), '-t', '1', '-D', String(seconds), '--log-file', logFile],
    ...(rate === null ? [] : ['--rps', String(Math.max(1, Math.round(rate / connections)))]),
    ...REQUEST_FIELDS.flatMap((field) => ['-H', field]),
    `http://127.0.0.1:${port}/bench`,
  ])
  return readLog(readFileSync(logFile, 'utf8'))
}

function readLog(text: string): TimedRequest[] {
  const requests: TimedRequest[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [startedUs = '', status = '', durationUs = ''] = line.split('\t')
    if (!/^[23]\d\d$/.test(status)) throw new Error(`a request was answered with ${status}`)
    requests.push({ startedUs: Number(startedUs), durationUs: Number(durationUs) })
  }
  return requests.sort((a, b) => a.startedUs - b.startedUs)
}

/** What `share` of the requests took at most; `NaN` of none. */
export function percentileUs(requests: readonly TimedRequest[], share: number): number {
  const sorted = requests.map(({ durationUs }) => durationUs).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
