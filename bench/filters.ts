import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FilterSamples } from './filters-process.ts'
import { needProgram } from './support/missing-tool.ts'
import { type BenchOptions, digits, type Report } from './support/report.ts'
import { type Interval, intervalOfDifference, intervalOfMean } from './support/statistics.ts'
import { formatTable } from './support/table.ts'

/** What each native filter costs a request. There is no figure to hold: a slow one stands out of its table. */
export async function benchFilters({ pairs }: BenchOptions): Promise<Report> {
  const rows = await measure(pairs)
  const [nothing, ...filters] = rows.map(({ name, nanoseconds }) => ({
    name,
    microseconds: nanoseconds.map((value) => value / 1_000),
  }))
  if (nothing === undefined) throw new Error('no samples')
  const costs = filters.map(({ name, microseconds }) => ({
    name,
    cost: intervalOfDifference(microseconds, nothing.microseconds),
  }))
  const call = intervalOfMean(nothing.microseconds)
  const title = `us CPU beyond the call of a filter that does nothing (${digits(call.estimate)} us)`
  return {
    name: 'filters',
    method:
      'one filter on one request in process, on core 0; upstreams and services answer at once and ' +
      'without a socket; what making the request costs is left out',
    pairs,
    versions: [],
    tables: [{ title, text: format(costs) }],
    checks: [],
    samples: rows,
  }
}

async function measure(rounds: number): Promise<readonly FilterSamples[]> {
  process.stderr.write('filters: no progress is shown, so that nothing else runs\n')
  const program = join(import.meta.dirname, 'filters-process.ts')
  const { stdout } = await promisify(execFile)(
    needProgram('taskset', 'util-linux'),
    ['-c', '0', process.execPath, program, String(rounds)],
    { maxBuffer: 16 * 1024 * 1024 },
  )
  return JSON.parse(stdout) as FilterSamples[]
}

function format(costs: readonly { readonly name: string; readonly cost: Interval }[]): string {
  return formatTable(
    [
      { title: 'filter', value: ({ name }) => name },
      { title: 'us CPU', align: 'right', value: ({ cost }) => digits(cost.estimate) },
      {
        title: '90 %',
        align: 'right',
        value: ({ cost }) => `${digits(cost.low)} to ${digits(cost.high)}`,
      },
    ],
    costs,
  )
}
