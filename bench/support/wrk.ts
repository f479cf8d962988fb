import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { needProgram } from './missing-tool.ts'

export interface Load {
  readonly port: number
  readonly path: string
  readonly connections: number
  readonly seconds: number
  readonly core: number
  /** A script of wrk that makes other requests than GET; null for none. */
  readonly script?: string | null
  /** Over TLS; the certificate is not looked at. */
  readonly isSecure?: boolean
}

export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  /** In microseconds. */
  readonly p50Us: number
  readonly p99Us: number
  /** Answers other than 2xx and 3xx, and connections that failed. */
  readonly failures: number
}

/** Seven fields with Host, as a browser behind a login sends them. */
export const REQUEST_FIELDS: readonly string[] = [
  'Accept: text/html,application/xhtml+xml',
  'Accept-Encoding: gzip, deflate',
  'Accept-Language: en-US,en;q=0.9',
  'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abcdefghijkl',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  'X-Request-Id: 7f3c9a52-0b1e-4c8d-9f27',
]

const run = promisify(execFile)

/** Fails with MissingTool when wrk is not installed. */
export function needWrk(): string {
  return needProgram('wrk', 'wrk')
}

/** One thread of load for some seconds. */
export async function runWrk(load: Load): Promise<LoadResult> {
  const { stdout } = await run('taskset', [
    '-c',
    String(load.core),
    needWrk(),
    '-t1',
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    '--latency',
    ...(load.script == null ? [] : ['-s', load.script]),
    ...REQUEST_FIELDS.flatMap((field) => ['-H', field]),
    `${load.isSecure === true ? 'https' : 'http'}://127.0.0.1:${load.port}${load.path}`,
  ])
  return parseWrk(stdout)
}

/** Reads what wrk prints. */
export function parseWrk(text: string): LoadResult {
  const requests = /(\d+) requests in/.exec(text)?.[1]
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]
  if (requests === undefined || rate === undefined) throw new Error(`not a report of wrk:\n${text}`)
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0)
  return {
    requests: Number(requests),
    requestsPerSecond: Number(rate),
    p50Us: latencyUs(text, '50%'),
    p99Us: latencyUs(text, '99%'),
    failures: (errors ?? []).slice(1).reduce((sum, count) => sum + Number(count), refused),
  }
}

const UNITS_US: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 6e7 }

function latencyUs(text: string, percentile: string): number {
  const match = new RegExp(`^\\s+${percentile}\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(text)
  return match === null ? Number.NaN : Number(match[1]) * (UNITS_US[match[2] ?? ''] ?? Number.NaN)
}
