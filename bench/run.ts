import { parseArgs } from 'node:util'
import { benchConfig } from './config.ts'
import { benchFilters } from './filters.ts'
import { benchPlugins } from './plugins.ts'
import { benchProxy } from './proxy.ts'
import { stopAll } from './support/process.ts'
import { type BenchOptions, formatReport, type Report, saveReport } from './support/report.ts'
import { needWrk } from './support/wrk.ts'
import { lineOf, WrongName } from './support/wrong-name.ts'

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Report>>> = {
  config: benchConfig,
  filters: benchFilters,
  plugins: benchPlugins,
  proxy: benchProxy,
}

/** Those that need no load from outside. */
const IN_PROCESS: ReadonlySet<string> = new Set(['config', 'filters'])

const DEFAULT_PAIRS = 15

const USAGE = `usage: npm run bench -- [BENCH]... [--pairs N] [--json]

Without a name: all of them. Results go to bench/results/BENCH.json.

  config    1,000 pipelines and 10,000 routes: time to load, memory, time of one change
  filters   what each native filter costs a request, in process
  plugins   what a plugin adds to a request: no filter, the same in JavaScript, in the event loop, in
            the worker pool, and with Extism
  proxy     a plain proxy pipeline against other gateways

  --pairs N   rounds of measurements; each compares all targets once (default ${DEFAULT_PAIRS})
  --only TEXT     targets whose name has TEXT in it (proxy); rows, end to end alone (plugins)
  --beside TEXT   what they are measured beside; default fast-gateway (proxy)
  --workload TEXT workloads whose name has TEXT in it (proxy)
  --json      print the result as JSON in place of tables
`

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) return 2
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll().finally(() => process.exit(1)))
  }
  try {
    // Before anything is built or started.
    if (options.names.some((name) => !IN_PROCESS.has(name))) needWrk()
    for (const name of options.names) {
      const report = await (BENCHES[name] as (of: BenchOptions) => Promise<Report>)(options)
      const file = saveReport(report)
      process.stdout.write(
        options.json ? `${JSON.stringify(report)}\n` : `${formatReport(report)}\n${file}\n\n`,
      )
    }
    return 0
  } catch (error) {
    const line = lineOf(error)
    if (line === null) throw error
    process.stderr.write(`${line}\n`)
    return 2
  }
}

interface Options extends BenchOptions {
  readonly names: readonly string[]
  readonly json: boolean
  readonly help: boolean
}

/** Null when the command line is wrong; the reason has been written then. */
function readOptions(): Options | null {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        pairs: { type: 'string', default: String(DEFAULT_PAIRS) },
        only: { type: 'string', default: '' },
        beside: { type: 'string', default: '' },
        workload: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name))
    const pairs = Number(values.pairs)
    if (unknown !== undefined) throw new WrongName(`there is no benchmark "${unknown}"`)
    if (!Number.isInteger(pairs) || pairs < 1) {
      throw new WrongName(`--pairs ${values.pairs}: not a number of rounds`)
    }
    const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
    const { only, beside, workload, json, help } = values
    return { names, pairs, only, beside, workload, json, help }
  } catch (error) {
    if (!(error instanceof WrongName || isParseError(error))) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}`)
    return null
  }
}

/** An option that there is not, or without its value. */
function isParseError(error: unknown): error is Error {
  return (
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
  )
}
