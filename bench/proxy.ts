import { join } from 'node:path'
import { HTTP_ENGINES } from '../host/http/engines.ts'
import { PEERS, SYSTEM_PEERS } from './peers/servers.ts'
import { penstockTarget } from './support/penstock.ts'
import { type BenchOptions, type Check, digits, type Report } from './support/report.ts'
import { type Interval, intervalOfRatio, judge, median } from './support/statistics.ts'
import { formatTable } from './support/table.ts'
import {
  GET_1_KB,
  METHOD,
  type Measured,
  measureTargets,
  type Sample,
  type Target,
  type Workload,
} from './support/target.ts'

/** What every target is asked to do, one after the other. */
const WORKLOADS: readonly Workload[] = [
  GET_1_KB,
  { name: 'GET 1 MB', path: '/large', script: null },
  {
    name: 'POST 100 KB',
    path: '/bench',
    script: join(import.meta.dirname, 'support/upload.lua'),
  },
]

/** What the design asks of an engine: at least `factor` times the speed of a peer, per CPU time. */
const REQUIRED: readonly { workload: string; engine: string; peer: string; factor: number }[] = [
  { workload: 'GET 1 KB', engine: 'node', peer: 'fast-gateway', factor: 2 },
  { workload: 'GET 1 KB', engine: 'native', peer: 'nginx', factor: 0.65 },
  { workload: 'GET 1 MB', engine: 'native', peer: 'haproxy', factor: 0.7 },
  { workload: 'POST 100 KB', engine: 'native', peer: 'haproxy', factor: 0.7 },
]

/** A plain proxy pipeline on each engine, against other gateways. */
export async function benchProxy(options: BenchOptions): Promise<Report> {
  const { pairs } = options
  const engines = HTTP_ENGINES.map(({ name }) =>
    penstockTarget({ name: `penstock (${name})`, engine: name }),
  )
  const targets = chosen([...PEERS, ...engines], options)
  const checks: Check[] = []
  const tables: { title: string; text: string }[] = []
  const samples: Record<string, readonly Sample[]> = {}
  for (const workload of WORKLOADS.filter(({ name }) => name.includes(options.workload))) {
    const measured = await measureTargets(targets, pairs, workload)
    tables.push({ title: workload.name, text: formatMeasured(measured, measured[0]) })
    checks.push(...checksOf(workload, measured))
    for (const one of measured) samples[`${workload.name}: ${one.target.name}`] = one.samples
  }
  const missing = SYSTEM_PEERS.filter((name) => !PEERS.some((peer) => peer.name === name))
  return {
    name: nameOf(options),
    method: METHOD,
    pairs,
    versions: [
      ...targets.map(({ version }) => version),
      ...missing.map((name) => `${name}: not installed, left out`),
    ],
    tables,
    checks,
    samples,
  }
}

/** The first one is what the others are measured beside. */
function chosen(all: readonly Target[], { only, beside }: BenchOptions): readonly Target[] {
  const reference = all.find(({ name }) => name.includes(beside))
  if (reference === undefined) throw new RangeError(`there is no target "${beside}"`)
  return [reference, ...all.filter((one) => one !== reference && one.name.includes(only))]
}

/** A part has a result of its own beside the whole. */
function nameOf({ only, beside, workload }: BenchOptions): string {
  const parts = ['proxy', only, beside, workload].filter((part) => part !== '')
  return parts
    .join(' ')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
}

function checksOf(workload: Workload, measured: readonly Measured[]): Check[] {
  const find = (name: string): Measured | undefined =>
    measured.find(({ target }) => target.name === name)
  return REQUIRED.flatMap(({ workload: name, engine, peer, factor }) => {
    const [ours, theirs] = [find(`penstock (${engine})`), find(peer)]
    if (name !== workload.name || ours === undefined || theirs === undefined) return []
    const ratio = ratioOf(theirs, ours)
    return {
      what: `${name}: engine ${engine} against ${peer}`,
      required: `${factor} x`,
      measured: ratio,
      unit: 'x',
      verdict: judge(ratio, 'least', factor),
    }
  })
}

/**
 * How many times faster `ours` is than `theirs`, by CPU time: from the pairs when `theirs` is the
 * reference, else by way of it.
 */
function ratioOf(theirs: Measured, ours: Measured): Interval {
  const speedOf = ({ samples, references }: Measured): number[] =>
    samples.map(({ cpuUs }, i) => (references[i] as Sample).cpuUs / cpuUs)
  // The reference stands beside itself.
  if (theirs.references[0] === theirs.samples[0])
    return intervalOfRatio(speedOf(ours), speedOf(ours).fill(1))
  return intervalOfRatio(speedOf(ours), speedOf(theirs))
}

/** One line per target; `reference` is what the last column compares with. */
export function formatMeasured(
  measured: readonly Measured[],
  reference: Measured | undefined,
): string {
  const middle = (one: Measured, of: 'requestsPerSecond' | 'p50Us' | 'p99Us'): number =>
    median(one.samples.map((sample) => sample[of]))
  return formatTable<Measured>(
    [
      { title: 'target', value: ({ target }) => target.name },
      { title: 'us CPU', align: 'right', value: (one) => digits(median(cpuOf(one.samples))) },
      {
        title: 'req/s',
        align: 'right',
        value: (one) => middle(one, 'requestsPerSecond').toFixed(0),
      },
      { title: 'p50 ms', align: 'right', value: (one) => digits(middle(one, 'p50Us') / 1000) },
      { title: 'p99 ms', align: 'right', value: (one) => digits(middle(one, 'p99Us') / 1000) },
      { title: 'MB', align: 'right', value: (one) => (one.residentBytes / 1e6).toFixed(0) },
      {
        title: reference === undefined ? '' : `x ${reference.target.name}`,
        align: 'right',
        value: (one) => {
          if (reference === undefined) return ''
          const { estimate, low, high } = ratioOf(reference, one)
          return `${digits(estimate)} (${digits(low)} to ${digits(high)})`
        },
      },
    ],
    measured,
  )
}

export function cpuOf(samples: readonly Sample[]): number[] {
  return samples.map(({ cpuUs }) => cpuUs)
}
