// What one run of a filter costs inside the process, in nanoseconds of CPU time of all threads; prints
// JSON. Started by `bench/plugins.ts`, pinned to one core:
//
//   node bench/in-process.ts ROUNDS [TABLE]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Exchange } from '../host/exchange/exchange.ts'
import { promised } from '../host/exchange/late.ts'
import type { Filter } from '../host/filters/filter.ts'
import { TABLES } from './support/in-process-tables.ts'
import { type Subject, Subjects } from './support/subjects.ts'

/** Runs that may be under way at a time: the connections of the end-to-end rows. */
const CONCURRENCY = 64

/** Requests that are made at a time: as few as a clock of microseconds allows, so that they stay in the cache. */
const BATCH = 512

/** CPU time of one sample, roughly: as many batches are run as fit. */
const SAMPLE_US = 20_000

/** Rounds before the first that counts: code is compiled, by threads whose time counts, and sizes are found out. */
const WARM_UP_ROUNDS = 25

/** How a row runs its filters. */
export interface InProcessRow {
  readonly group: string
  readonly name: string
  /** CPU time of one run, per round. */
  readonly nanoseconds: readonly number[]
}

const rounds = Number(process.argv[2] ?? 15)
const tables = process.argv.slice(3)
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
const made = new Subjects(folder)
const rows = (await made.open(tables.length === 0 ? TABLES : tables)).map((subject) => ({
  subject,
  batches: 1,
  nanoseconds: [] as number[],
}))
for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
  for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
    const microseconds = await sample(row.subject, row.batches)
    if (round >= 0) row.nanoseconds.push((microseconds * 1000) / (row.batches * BATCH))
    else row.batches = Math.max(1, Math.round((SAMPLE_US * row.batches) / microseconds))
  }
}
for (const { subject } of rows) for (const filter of subject.filters) await filter.close?.()
await made.close()
rmSync(folder, { recursive: true, force: true })
const result: InProcessRow[] = rows.map(({ subject: { group, name }, nanoseconds }) => ({
  group,
  name,
  nanoseconds,
}))
process.stdout.write(`${JSON.stringify(result)}\n`)

/** CPU time in microseconds. The requests are made before, so that they do not count. */
async function sample(subject: Subject, batches: number): Promise<number> {
  let microseconds = 0
  for (let left = batches; left > 0; left--) microseconds += await runBatch(subject)
  return microseconds
}

async function runBatch(subject: Subject): Promise<number> {
  const exchanges = Array.from({ length: BATCH }, () => subject.makeExchange())
  const before = process.cpuUsage()
  for (let start = 0; start < BATCH; start += CONCURRENCY) {
    const pending: Promise<unknown>[] = []
    for (let i = start; i < start + CONCURRENCY; i++) {
      const outcome = runChain(subject.filters, exchanges[i] as Exchange, 0)
      if (outcome !== null) pending.push(outcome)
    }
    if (pending.length > 0) await Promise.all(pending)
  }
  const { user, system } = process.cpuUsage(before)
  if (!exchanges.every((exchange) => subject.isDone(exchange))) {
    throw new Error(`${subject.group}: ${subject.name} did not run`)
  }
  return user + system
}

/** One filter after the other, as a pipeline does: synchronously until one returns a promise. */
function runChain(
  filters: readonly Filter[],
  exchange: Exchange,
  from: number,
): Promise<unknown> | null {
  for (let i = from; i < filters.length; i++) {
    const outcome = promised((filters[i] as Filter).handle(exchange))
    if (outcome instanceof Promise) {
      return outcome.then(() => runChain(filters, exchange, i + 1))
    }
  }
  return null
}
