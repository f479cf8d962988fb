// What each native filter costs a request inside the process, in nanoseconds of CPU time; prints JSON.
// Started by `bench/filters.ts`, pinned to one core:
//
//   node bench/filters-process.ts ROUNDS
import type { Exchange } from '../host/exchange/exchange.ts'
import { promised } from '../host/exchange/late.ts'
import { FILTER_ROWS } from './support/filter-rows.ts'
import { type FilterSubject, openFilter } from './support/filter-subject.ts'

/** One filter, with the CPU time of one request in each round. */
export interface FilterSamples {
  readonly name: string
  readonly nanoseconds: readonly number[]
}

/** Requests under way at a time, where a filter waits for something. */
const CONCURRENCY = 64

/** Requests that are made at a time: as few as a clock of microseconds allows, so that they stay in the cache. */
const BATCH = 512

/** CPU time of one sample, about. */
const SAMPLE_US = 20_000

/** The filter that does nothing: what calling one costs. */
const NOTHING = 'nothing'

const rounds = Number(process.argv[2] ?? 15)
const opened = await Promise.all(FILTER_ROWS.map(openFilter))
const [first] = opened
if (first === undefined) throw new Error('no filters')
const nothing: FilterSubject = {
  ...first,
  name: NOTHING,
  filter: { handle: () => undefined },
  result: undefined,
}
const subjects: FilterSubject[] = [nothing, ...opened]
const samples = new Map(subjects.map(({ name }) => [name, [] as number[]]))
const batches = new Map<string, number>()
// The first two rounds compile code.
for (let round = -2; round < rounds; round++) {
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    const nanoseconds = await sample(subject)
    if (round >= 0) samples.get(subject.name)?.push(nanoseconds)
  }
}
for (const { filter } of opened) await filter.close?.()
const result: FilterSamples[] = Array.from(samples, ([name, nanoseconds]) => ({
  name,
  nanoseconds,
}))
process.stdout.write(`${JSON.stringify(result)}\n`)

/** The CPU time of one request. */
async function sample(subject: FilterSubject): Promise<number> {
  const count = batches.get(subject.name) ?? 1
  let microseconds = 0
  for (let i = 0; i < count; i++) microseconds += await runBatch(subject)
  const each = Math.max(1, microseconds / count)
  batches.set(subject.name, Math.min(200, Math.max(1, Math.round(SAMPLE_US / each))))
  return (microseconds * 1_000) / (count * BATCH)
}

/** The CPU time of a batch in microseconds. The requests are made before, so that they do not count. */
async function runBatch({ name, filter, result, newExchange }: FilterSubject): Promise<number> {
  const exchanges = Array.from({ length: BATCH }, newExchange)
  let last: string | undefined
  const before = process.cpuUsage()
  for (let start = 0; start < BATCH; start += CONCURRENCY) {
    const pending: Promise<string | undefined>[] = []
    for (let i = start; i < start + CONCURRENCY; i++) {
      const outcome = promised(filter.handle(exchanges[i] as Exchange))
      if (outcome instanceof Promise) pending.push(outcome)
      else last = outcome
    }
    if (pending.length > 0) last = (await Promise.all(pending)).at(-1)
  }
  const { user, system } = process.cpuUsage(before)
  if (last !== result) throw new Error(`${name}: ${last ?? 'no result'}, not ${result ?? 'none'}`)
  return user + system
}
