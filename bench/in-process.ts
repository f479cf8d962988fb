// What one run of the benchmark's filter costs inside the process, in nanoseconds of CPU time of all
// threads; prints JSON. Started by `bench/plugins.ts`, pinned to one core:
//
//   node bench/in-process.ts ROUNDS
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Exchange } from '../host/exchange/exchange.ts'
import { makeRequest } from '../host/exchange/request.ts'
import type { Filter } from '../host/filters/filter.ts'
import { wasmHost } from '../host/filters/wasm-host.ts'
import { createLogger } from '../host/observe/log.ts'
import { PluginHost } from '../host/wasm/plugin-host.ts'
import { PluginStore } from '../host/wasm/plugin-store.ts'
import { GUESTS } from './support/guests.ts'
import { benchExtism, benchStamp } from './support/stamp.ts'
import { REQUEST_FIELDS } from './support/wrk.ts'

/** Runs that may be under way at a time: the connections of the end-to-end rows. */
const CONCURRENCY = 64

/** Requests that are made at a time: as few as a clock of microseconds allows, so that they stay in the cache. */
const BATCH = 512

/** How a row runs its filter. */
export interface InProcessRow {
  readonly name: string
  /** CPU time of one run, per round. */
  readonly nanoseconds: readonly number[]
}

interface Subject {
  readonly name: string
  readonly filter: Filter
  /** Runs of one sample: some 20 ms of them, whole batches. */
  readonly runs: number
}

const FIELDS = ['Host: bench', ...REQUEST_FIELDS].flatMap((line) => {
  const colon = line.indexOf(': ')
  return [line.slice(0, colon), line.slice(colon + 2)]
})

const rounds = Number(process.argv[2] ?? 15)
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
const log = createLogger({
  level: 'warn',
  destination: { write: (line) => void process.stderr.write(line) },
  pretty: true,
})
const plugins = new PluginHost(new PluginStore(folder), 1, log)
const subjects: Subject[] = [
  { name: 'JavaScript', filter: await benchStamp.create({}, neverUsed()), runs: BATCH * 100 },
  { name: 'inline, SDK', filter: await openWasm(GUESTS.stamp, 'inline'), runs: BATCH * 20 },
  { name: 'inline, bytes', filter: await openWasm(GUESTS.stampBytes, 'inline'), runs: BATCH * 20 },
  { name: 'worker pool, SDK', filter: await openWasm(GUESTS.stamp, 'worker'), runs: BATCH * 20 },
  {
    name: 'Extism in thread',
    filter: await benchExtism.create({ runInWorker: false }, neverUsed()),
    runs: BATCH * 3,
  },
  {
    name: 'Extism in worker',
    filter: await benchExtism.create({ runInWorker: true }, neverUsed()),
    runs: BATCH,
  },
]

// The first two rounds compile code.
const rows = new Map(subjects.map(({ name }) => [name, [] as number[]]))
for (let round = -2; round < rounds; round++) {
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    const nanoseconds = await sample(subject)
    if (round >= 0) rows.get(subject.name)?.push(nanoseconds)
  }
}
for (const { filter } of subjects) await filter.close?.()
await plugins.close()
rmSync(folder, { recursive: true, force: true })
const result: InProcessRow[] = Array.from(rows, ([name, nanoseconds]) => ({ name, nanoseconds }))
process.stdout.write(`${JSON.stringify(result)}\n`)

/** The CPU time of one run. */
async function sample(subject: Subject): Promise<number> {
  let microseconds = 0
  for (let left = subject.runs; left > 0; left -= BATCH) microseconds += await runBatch(subject)
  return (microseconds * 1000) / subject.runs
}

/** The CPU time of a batch of runs, in microseconds. The requests are made before, so that they do not count. */
async function runBatch({ name, filter }: Subject): Promise<number> {
  const exchanges = Array.from({ length: BATCH }, newExchange)
  const before = process.cpuUsage()
  for (let start = 0; start < BATCH; start += CONCURRENCY) {
    const pending: Promise<unknown>[] = []
    for (let i = start; i < start + CONCURRENCY; i++) {
      const outcome = filter.handle(exchanges[i] as Exchange)
      if (outcome instanceof Promise) pending.push(outcome)
    }
    if (pending.length > 0) await Promise.all(pending)
  }
  const { user, system } = process.cpuUsage(before)
  const seen = exchanges[BATCH - 1]?.request.headers.get('x-filter')
  if (seen !== 'known') throw new Error(`${name} did not run`)
  return user + system
}

function newExchange(): Exchange {
  return new Exchange(makeRequest({ target: '/bench', headers: FIELDS.slice() }), 'bench', 0)
}

async function openWasm(code: string, isolation: 'inline' | 'worker'): Promise<Filter> {
  const spec = wasmHost.spec.parse({ code, isolation })
  return await wasmHost.create(spec, {
    ...neverUsed(),
    pipeline: 'bench',
    filter: `${isolation}-${code.endsWith('bytes.wasm') ? 'bytes' : 'sdk'}`,
    baseDir: folder,
    log,
    plugins,
  })
}

/** The parts of a filter's environment that none of these filters looks at. */
function neverUsed(): Parameters<typeof wasmHost.create>[1] {
  return {} as Parameters<typeof wasmHost.create>[1]
}
