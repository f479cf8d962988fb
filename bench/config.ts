import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ConfigSample } from './config-process.ts'
import { needProgram } from './support/missing-tool.ts'
import { Progress } from './support/progress.ts'
import { type BenchOptions, type Check, digits, type Report } from './support/report.ts'
import {
  type Interval,
  intervalOfMean,
  intervalOfRatio,
  judge,
  median,
} from './support/statistics.ts'
import { formatTable } from './support/table.ts'

const PIPELINES = 1_000
const ROUTES = 10_000

/** Changes of one process; their median counts, because now and then one writes the whole list. */
const CHANGES = 60

/** What may be kept in memory beyond the base, in kilobytes of 1,000 bytes. */
const KB_A_PIPELINE = 10
const KB_A_ROUTE = 1

/**
 * "A time that does not grow": a change among all of them against a change of the only one there is. Both
 * wait for the same disk; what is above 1 is what the others cost.
 */
const GROWTH_AT_MOST = 1.2

/** The sizes that are compared, each in a process of its own. */
const SIZES = {
  base: { pipelines: 1, routes: 1 },
  pipelines: { pipelines: PIPELINES, routes: 1 },
  all: { pipelines: PIPELINES, routes: ROUTES },
} as const

type Size = keyof typeof SIZES

/** What a large configuration costs: to load, in memory, and per change. */
export async function benchConfig({ pairs }: BenchOptions): Promise<Report> {
  const samples: Record<Size, ConfigSample[]> = { base: [], pipelines: [], all: [] }
  const sizes = Object.keys(SIZES) as Size[]
  const progress = new Progress(pairs * sizes.length)
  for (let round = 0; round < pairs; round++) {
    // Back and forth, so that none always comes after the same one.
    for (const size of round % 2 === 0 ? sizes : sizes.toReversed()) {
      progress.step(`round ${round + 1}/${pairs}: ${size}`)
      samples[size].push(await measure(size))
    }
  }
  progress.done()
  return report(samples, pairs)
}

async function measure(size: Size): Promise<ConfigSample> {
  const { pipelines, routes } = SIZES[size]
  const program = join(import.meta.dirname, 'config-process.ts')
  const command = [process.execPath, '--expose-gc', program, pipelines, routes, CHANGES]
  const { stdout } = await promisify(execFile)(
    needProgram('taskset', 'util-linux'),
    ['-c', '0', ...command.map(String)],
    { maxBuffer: 16 * 1024 * 1024 },
  )
  return JSON.parse(stdout) as ConfigSample
}

function report(samples: Readonly<Record<Size, readonly ConfigSample[]>>, pairs: number): Report {
  const { base, pipelines, all } = samples
  const perPipeline = between(base, pipelines, PIPELINES - 1)
  const perRoute = between(pipelines, all, ROUTES - 1)
  const changeOf = (list: readonly ConfigSample[]): number[] =>
    list.map(({ changeMs }) => median(changeMs))
  const growth = intervalOfRatio(changeOf(all), changeOf(base))
  return {
    name: 'config',
    method:
      `${PIPELINES} pipelines with a RequestAdaptor and a Proxy to a server of its own each, and one ` +
      `server with ${ROUTES} routes; a process for each size, on core 0; memory is the heap and the ` +
      'buffers after a collection; a change is one pipeline replaced through the API, until it is live ' +
      `and on the disk (median of ${CHANGES})`,
    pairs,
    versions: [],
    tables: [{ title: '', text: format(samples) }],
    checks: [
      check('a pipeline', perPipeline, KB_A_PIPELINE, 'KB'),
      check('a route', perRoute, KB_A_ROUTE, 'KB'),
      check('a change among all against the only one', growth, GROWTH_AT_MOST, 'x'),
    ],
    samples,
  }
}

/** Kilobytes of one more, in each round. */
function between(
  less: readonly ConfigSample[],
  more: readonly ConfigSample[],
  count: number,
): Interval {
  return intervalOfMean(
    more.map(({ bytes }, i) => (bytes - (less[i] as ConfigSample).bytes) / count / 1_000),
  )
}

function check(what: string, measured: Interval, figure: number, unit: string): Check {
  const required = `at most ${figure} ${unit}`
  return { what, required, measured, unit, verdict: judge(measured, 'most', figure) }
}

function format(samples: Readonly<Record<Size, readonly ConfigSample[]>>): string {
  const middle = (size: Size, read: (sample: ConfigSample) => number): string =>
    digits(median(samples[size].map(read)))
  return formatTable<Size>(
    [
      { title: 'pipelines', align: 'right', value: (size) => String(SIZES[size].pipelines) },
      { title: 'routes', align: 'right', value: (size) => String(SIZES[size].routes) },
      { title: 'load ms', align: 'right', value: (size) => middle(size, ({ loadMs }) => loadMs) },
      { title: 'MB', align: 'right', value: (size) => middle(size, ({ bytes }) => bytes / 1e6) },
      {
        title: 'change ms',
        align: 'right',
        value: (size) => middle(size, ({ changeMs }) => median(changeMs)),
      },
      {
        // All routes of a server are one object: this one grows with them.
        title: 'change of the server ms',
        align: 'right',
        value: (size) => middle(size, ({ routeChangeMs }) => routeChangeMs),
      },
    ],
    Object.keys(SIZES) as Size[],
  )
}
