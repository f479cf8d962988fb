import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SwapModules, swapModules } from './support/guests.ts'
import { percentileUs, type TimedRequest, timedLoad } from './support/h2load.ts'
import { type Alone, runAlone } from './support/run-alone.ts'
import { CONNECTIONS, LOAD_CORE, type Target } from './support/target.ts'

/** How often each shape is run; the middle one of the figures is shown. */
const RUNS = 3

/** Seconds of one run of the open loop. */
const OPEN_SECONDS = 3

/** Seconds of load around a swap, and when in them the swap comes. */
const SWAP_SECONDS = 4
const SWAP_AFTER_MS = 2_000

/** Requests after a swap that are looked at, and as many before it. */
const AFTER_SWAP = 1_000

/** How long requests took under one shape of load, in microseconds. */
export interface Latency {
  readonly name: string
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

/**
 * Requests that come at their own times, at half of what the target can do: what waits for a busy gateway
 * is not hidden by a client that waits too. `peak` is what it did in the closed loop, in requests a second.
 */
export async function openLoop(target: Target, peak: number): Promise<Latency> {
  return await runAlone(target, async ({ port, folder }) => {
    const runs: (readonly TimedRequest[])[] = []
    for (let i = 0; i < RUNS; i++) {
      runs.push(await timed(port, folder, OPEN_SECONDS, peak / 2))
    }
    return middle(target.name, runs)
  })
}

/** The first requests after a plugin was swapped by the admin API, and as many before it. */
export async function afterSwap(target: Target): Promise<readonly Latency[]> {
  const modules = swapModules()
  return await runAlone(target, async (alone) => {
    const before: (readonly TimedRequest[])[] = []
    const after: (readonly TimedRequest[])[] = []
    for (let i = 0; i < RUNS; i++) {
      const load = timed(alone.port, alone.folder, SWAP_SECONDS, null)
      await sleep(SWAP_AFTER_MS)
      const swappedUs = await push(alone, modules, i)
      const requests = await load
      const first = requests.findIndex(({ startedUs }) => startedUs >= swappedUs)
      before.push(requests.slice(Math.max(0, first - AFTER_SWAP), first))
      after.push(requests.slice(first, first + AFTER_SWAP))
    }
    return [
      middle(`${target.name}, ${AFTER_SWAP} before a swap`, before),
      middle(`${target.name}, first ${AFTER_SWAP} after it`, after),
    ]
  })
}

function timed(
  port: number,
  folder: string,
  seconds: number,
  rate: number | null,
): Promise<readonly TimedRequest[]> {
  const logFile = join(folder, 'h2load.tsv')
  return timedLoad({ port, connections: CONNECTIONS, seconds, rate, core: LOAD_CORE, logFile })
}

/** Answers with the moment when the new version had taken over, in microseconds since the epoch. */
async function push(alone: Alone, modules: SwapModules, run: number): Promise<number> {
  const token = readFileSync(join(alone.folder, 'data/admin.token'), 'utf8').trim()
  const url = `http://127.0.0.1:${alone.port + 1}/apis/v2/plugins/bench/stamp`
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/wasm' },
    body: modules[run % 2 === 0 ? 1 : 0],
  })
  if (!answer.ok) throw new Error(`the push was refused: ${await answer.text()}`)
  return Date.now() * 1_000
}

function middle(name: string, runs: readonly (readonly TimedRequest[])[]): Latency {
  const of = (value: (requests: readonly TimedRequest[]) => number): number => {
    const sorted = runs.map(value).sort((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? Number.NaN
  }
  return {
    name,
    p50Us: of((requests) => percentileUs(requests, 0.5)),
    p99Us: of((requests) => percentileUs(requests, 0.99)),
    maxUs: of((requests) => percentileUs(requests, 1)),
  }
}
