import { join } from 'node:path'
import { HTTP_ENGINES } from '../host/http/engines.ts'
import { PEERS, SYSTEM_PEERS } from './peers/servers.ts'
import { needH2load } from './support/h2load.ts'
import { MissingTool } from './support/missing-tool.ts'
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
  TLS_METHOD,
  type Workload,
} from './support/target.ts'
import { WrongName } from './support/wrong-name.ts'

const HTTP2 = 'HTTP/2, 1 KB'

/** What every target is asked to do, one after the other. */
const WORKLOADS: readonly Workload[] = [
  GET_1_KB,
  { name: 'GET 1 MB', path: '/large', script: null, protocol: 'http' },
  {
    name: 'POST 100 KB',
    path: '/bench',
    script: join(import.meta.dirname, 'support/upload.lua'),
    protocol: 'http',
  },
  { name: 'TLS, 1 KB', path: '/bench', script: null, protocol: 'https' },
  { name: HTTP2, path: '/bench', script: null, protocol: 'h2' },
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
  const all = [...PEERS, ...engines]
  const checks: Check[] = []
  const tables: { title: string; text: string }[] = []
  const samples: Record<string, readonly Sample[]> = {}
  const left = leftOut(options)
  for (const line of left.values()) process.stderr.write(`${line}\n`)
  const used = new Set<Target>()
  const workloads = WORKLOADS.filter(({ name }) => name.includes(options.workload))
  if (workloads.length === 0) throw new WrongName(`there is no workload "${options.workload}"`)
  for (const workload of workloads) {
    if (left.has(workload.name)) continue
    const targets = chosen(all, options, workload)
    // Only the reference: a peer that does not speak the protocol was asked for.
    if (targets.length === 1) continue
    for (const target of targets) used.add(target)
    const measured = await measureTargets(targets, pairs, workload)
    tables.push({ title: workload.name, text: formatMeasured(measured, measured[0]) })
    checks.push(...checksOf(workload, measured))
    for (const one of measured) samples[`${workload.name}: ${one.target.name}`] = one.samples
  }
  return {
    name: nameOf(options),
    method: `${METHOD}; ${TLS_METHOD}`,
    pairs,
    versions: [
      ...all.filter((target) => used.has(target)).map(({ version }) => version),
      ...left.values(),
    ],
    tables,
    checks,
    samples,
  }
}

/** What cannot be measured here, by the name of the peer or the workload, and how to get it. */
function leftOut({ only, beside }: BenchOptions): ReadonlyMap<string, string> {
  const left = new Map<string, string>()
  for (const name of SYSTEM_PEERS) {
    const isWanted = name.includes(only) || (beside !== '' && name.includes(beside))
    if (!isWanted || PEERS.some((peer) => peer.name === name)) continue
    left.set(name, `${name}: not installed, left out (sudo apt-get install ${name})`)
  }
  try {
    needH2load()
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error
    left.set(HTTP2, `${HTTP2}: left out (${error.message})`)
  }
  return left
}

/**
 * Those who can do it. The first one is what the others are measured beside: the one that is asked for, unless
 * it does not speak the protocol.
 */
function chosen(
  all: readonly Target[],
  { only, beside }: BenchOptions,
  { protocol }: Workload,
): readonly Target[] {
  for (const text of [only, beside]) {
    if (!all.some(({ name }) => name.includes(text))) {
      throw new WrongName(`there is no target "${text}"`)
    }
  }
  const able = all.filter(({ protocols }) => protocols.includes(protocol))
  const reference = able.find(({ name }) => name.includes(beside)) ?? able[0]
  if (reference === undefined) throw new RangeError(`nothing here speaks ${protocol}`)
  return [reference, ...able.filter((one) => one !== reference && one.name.includes(only))]
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
