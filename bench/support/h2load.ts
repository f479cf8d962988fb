import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needProgram } from './missing-tool.ts'
import { type Load, type LoadResult, REQUEST_FIELDS } from './wrk.ts'

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

/** Requests that are on their way at once on each connection of HTTP/2. */
export const STREAMS = 4

/**
 * HTTP/2 over TLS for some seconds: `load.connections` requests at a time, on a quarter of as many connections.
 * Fails with MissingTool when h2load is not installed.
 */
export async function runHttp2(load: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-h2load-'))
  const logFile = join(folder, 'requests.tsv')
  try {
    const { stdout } = await run('taskset', [
      ...['-c', String(load.core), needH2load(), '-t', '1', '-D', String(load.seconds)],
      ...['-c', String(load.connections / STREAMS), '-m', String(STREAMS)],
      ...['--log-file', logFile],
      ...REQUEST_FIELDS.flatMap((field) => ['-H', field]),
      `https://127.0.0.1:${load.port}${load.path}`,
    ])
    return parseH2load(stdout, readFileSync(logFile, 'utf8'), load.seconds)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Reads what h2load prints, and its log of requests. */
export function parseH2load(text: string, log: string, seconds: number): LoadResult {
  const counts = /(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(
    text,
  )
  if (counts === null) throw new Error(`not a report of h2load:\n${text}`)
  if (!text.includes('Application protocol: h2')) throw new Error(`no HTTP/2 was spoken:\n${text}`)
  const [done = 0, succeeded = 0] = counts.slice(1).map(Number)
  const requests = readLog(log)
  return {
    requests: done,
    requestsPerSecond: done / seconds,
    p50Us: percentileUs(requests, 0.5),
    p99Us: percentileUs(requests, 0.99),
    failures: done - succeeded,
  }
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
