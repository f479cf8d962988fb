import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HTTP_ENGINES } from '../host/http/engines.ts'
import type { InProcessRow } from './in-process.ts'
import { afterSwap, type Latency, openLoop } from './load-shapes.ts'
import { cpuOf, formatMeasured } from './proxy.ts'
import { buildGuests, GUESTS } from './support/guests.ts'
import { needH2load } from './support/h2load.ts'
import { TABLES } from './support/in-process-tables.ts'
import { packageVersion } from './support/machine.ts'
import { type FilterSpec, penstockTarget } from './support/penstock.ts'
import { type BenchOptions, type Check, digits, type Report } from './support/report.ts'
import {
  type Interval,
  intervalOfDifference,
  intervalOfMean,
  intervalOfRatio,
  judge,
  median,
} from './support/statistics.ts'
import { formatTable } from './support/table.ts'
import { METHOD, type Measured, measureTargets, type Target } from './support/target.ts'
import { WrongName } from './support/wrong-name.ts'

/** What the design allows a plugin to add to a request, in microseconds of CPU time. */
const ADDED_AT_MOST: Readonly<Record<string, number>> = {
  'inline, SDK': 3,
  'worker pool, SDK': 12,
}

/** What one run may cost inside the process, in microseconds. */
const IN_PROCESS_AT_MOST: Readonly<Record<string, number>> = {
  'inline, SDK': 1.5,
  'inline, bytes': 0.7,
}

const NO_FILTER = 'no filter'

const TWICE = '; rows with a required figure in twice as many pairs'

const wasm = (code: string, isolation: string): FilterSpec => ({
  name: 'stamp',
  kind: 'WasmHost',
  code,
  isolation,
})

interface Row {
  readonly name: string
  readonly filters: readonly FilterSpec[]
}

const ROWS: readonly Row[] = [
  { name: NO_FILTER, filters: [] },
  { name: 'JavaScript', filters: [{ name: 'stamp', kind: 'BenchStamp' }] },
  { name: 'inline, SDK', filters: [wasm(GUESTS.stamp, 'inline')] },
  { name: 'inline, bytes', filters: [wasm(GUESTS.stampBytes, 'inline')] },
  { name: 'worker pool, SDK', filters: [wasm(GUESTS.stamp, 'worker')] },
  {
    name: 'Extism in thread',
    filters: [{ name: 'stamp', kind: 'BenchExtism', runInWorker: false }],
  },
  {
    name: 'Extism in worker',
    filters: [{ name: 'stamp', kind: 'BenchExtism', runInWorker: true }],
  },
]

/** Rows whose single requests are looked at too. */
const SHAPED = [NO_FILTER, 'inline, SDK', 'worker pool, SDK']

/** The tables of what runs inside the process, by group. */
const GROUPS: readonly (readonly [string, string])[] = [
  ['filter', 'one run inside the process'],
  ['headers', '7 and 40 headers'],
  ['body', 'a body read and written back'],
  ['chain', 'several filters in a row'],
  ['fuel', 'fuel'],
  ['reset', 'reset'],
]

/**
 * What the same small filter adds to a request, by where it runs: end to end, and inside the process. With `only`
 * the rows end to end whose name has this in it, and nothing else.
 */
export async function benchPlugins({ pairs, only }: BenchOptions): Promise<Report> {
  const isWhole = only === ''
  const rows = ROWS.filter(({ name }) => name === NO_FILTER || name.includes(only))
  if (rows.length === 1) throw new WrongName(`there is no row "${only}"`)
  if (isWhole) needH2load()
  await buildGuests()
  const engine = HTTP_ENGINES[0]?.name ?? 'node'
  const targetOf = ({ name, filters }: Row, hasAdmin = false): Target =>
    penstockTarget({ name, engine, filters, entry: 'bench/gateway.ts', hasAdmin })
  const measured = await measureGroups(rows, (row) => targetOf(row), pairs, isWhole)
  const inProcess = isWhole ? await measureInProcess(pairs) : []
  const shaped = isWhole ? ROWS.filter(({ name }) => SHAPED.includes(name)) : []
  const open: Latency[] = []
  const swaps: Latency[] = []
  for (const row of shaped) {
    const closed = measured.find(({ target }) => target.name === row.name)
    const peak = median((closed?.samples ?? []).map((sample) => sample.requestsPerSecond))
    open.push(await openLoop(targetOf(row), peak))
    if (row.name !== NO_FILTER) swaps.push(...(await afterSwap(targetOf(row, true))))
  }
  const added = new Map(
    measured
      .slice(1)
      .map((one) => [
        one.target.name,
        intervalOfDifference(cpuOf(one.samples), cpuOf(one.references)),
      ]),
  )
  // The machine's speed changes within minutes, and with it what is added; the share is steadier.
  const share = new Map(
    measured
      .slice(1)
      .map((one) => [one.target.name, intervalOfRatio(cpuOf(one.samples), cpuOf(one.references))]),
  )
  const inside = intervalsOf(inProcess, 'filter')
  return {
    name: isWhole ? 'plugins' : `plugins-${only.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`,
    method: `3 header reads and 2 writes; GET 1 KB, ${METHOD}${isWhole ? TWICE : ''}`,
    pairs,
    versions: [
      `engine ${engine}`,
      packageVersion('assemblyscript'),
      packageVersion('piscina'),
      `${packageVersion('@extism/extism')} with ${packageVersion('@extism/as-pdk')}, reset every 1,000 calls`,
    ],
    tables: [
      { title: 'end to end, closed loop', text: formatMeasured(measured, undefined) },
      { title: 'added to a request, us CPU', text: formatIntervals(added) },
      { title: 'CPU of a request, times that without a filter', text: formatIntervals(share, 'x') },
      ...(isWhole ? wholeTables(open, swaps, inProcess) : []),
    ],
    checks: [
      ...checksOf('added end to end', added, ADDED_AT_MOST),
      ...checksOf('in process', inside, IN_PROCESS_AT_MOST),
    ],
    samples: {
      endToEnd: Object.fromEntries(measured.map(({ target, samples }) => [target.name, samples])),
      added: Object.fromEntries(added),
      share: Object.fromEntries(share),
      openLoop: open,
      aroundSwap: swaps,
      inProcess,
    },
  }
}

/**
 * Two rows at a time beside the first one: a gateway that waits for half a minute until its turn comes is measured while
 * it wakes up, which makes intervals seven times as wide. Those with a figure come first, in a whole run in twice as many
 * pairs as the others.
 */
async function measureGroups(
  [reference, ...rows]: readonly Row[],
  targetOf: (row: Row) => Target,
  pairs: number,
  isWhole: boolean,
): Promise<readonly Measured[]> {
  const hasFigure = ({ name }: Row): boolean => name in ADDED_AT_MOST
  const turns = [...rows.filter(hasFigure), ...rows.filter((row) => !hasFigure(row))]
  const measured = new Map<string, Measured>()
  for (let i = 0; i < turns.length; i += 2) {
    const group = turns.slice(i, i + 2)
    const targets = [reference as Row, ...group].map(targetOf)
    const rounds = isWhole && group.every(hasFigure) ? 2 * pairs : pairs
    for (const one of await measureTargets(targets, rounds)) {
      if (!measured.has(one.target.name)) measured.set(one.target.name, one)
    }
  }
  return [reference as Row, ...rows].map(({ name }) => measured.get(name) as Measured)
}

function wholeTables(
  open: readonly Latency[],
  swaps: readonly Latency[],
  inProcess: readonly InProcessRow[],
): Report['tables'] {
  return [
    { title: 'open loop at half of the peak', text: formatLatencies(open) },
    { title: 'around a swap, closed loop', text: formatLatencies(swaps) },
    ...GROUPS.map(([group, title]) => ({
      title: `${title}, us CPU`,
      text: formatIntervals(intervalsOf(inProcess, group)),
    })),
  ]
}

/** In microseconds. */
function intervalsOf(rows: readonly InProcessRow[], group: string): Map<string, Interval> {
  return new Map(
    rows
      .filter((row) => row.group === group)
      .map(({ name, nanoseconds }) => [
        name,
        intervalOfMean(nanoseconds.map((value) => value / 1000)),
      ]),
  )
}

/** A process for each table: code that thirty kinds of filters have run through is no longer made for any of them. */
async function measureInProcess(rounds: number): Promise<readonly InProcessRow[]> {
  const script = join(import.meta.dirname, 'in-process.ts')
  const rows: InProcessRow[] = []
  for (const table of TABLES) {
    const { stdout } = await promisify(execFile)('taskset', [
      ...['-c', '0', process.execPath, script, String(rounds), table],
    ])
    rows.push(...(JSON.parse(stdout) as readonly InProcessRow[]))
  }
  return rows
}

function checksOf(
  what: string,
  intervals: ReadonlyMap<string, Interval>,
  atMost: Readonly<Record<string, number>>,
): Check[] {
  return Object.entries(atMost).flatMap(([name, figure]) => {
    const measured = intervals.get(name)
    if (measured === undefined) return []
    return [
      {
        what: `${what}: ${name}`,
        required: `at most ${figure} us`,
        measured,
        unit: 'us',
        verdict: judge(measured, 'most', figure),
      },
    ]
  })
}

function formatIntervals(intervals: ReadonlyMap<string, Interval>, unit = 'us'): string {
  return formatTable<[string, Interval]>(
    [
      { title: 'filter', value: ([name]) => name },
      { title: unit, align: 'right', value: ([, { estimate }]) => digits(estimate) },
      {
        title: '90 % interval',
        align: 'right',
        value: ([, { low, high }]) => `${digits(low)} to ${digits(high)}`,
      },
    ],
    [...intervals],
  )
}

function formatLatencies(rows: readonly Latency[]): string {
  const milliseconds = (microseconds: number): string => digits(microseconds / 1000)
  return formatTable<Latency>(
    [
      { title: 'filter', value: ({ name }) => name },
      { title: 'p50 ms', align: 'right', value: ({ p50Us }) => milliseconds(p50Us) },
      { title: 'p99 ms', align: 'right', value: ({ p99Us }) => milliseconds(p99Us) },
      { title: 'max ms', align: 'right', value: ({ maxUs }) => milliseconds(maxUs) },
    ],
    rows,
  )
}
