import { parseArgs } from 'node:util'
import { benchPlugins } from './plugins.ts'
import { benchProxy } from './proxy.ts'
import { MissingTool } from './support/missing-tool.ts'
import { stopAll } from './support/process.ts'
import { formatReport, type Report, saveReport } from './support/report.ts'
import { needWrk } from './support/wrk.ts'

const BENCHES: Readonly<Record<string, (pairs: number) => Promise<Report>>> = {
  plugins: benchPlugins,
  proxy: benchProxy,
}

const DEFAULT_PAIRS = 15

const USAGE = `usage: npm run bench -- [BENCH]... [--pairs N] [--json]

Without a name: all of them. Results go to bench/results/BENCH.json.

  plugins   what a plugin adds to a request: no filter, the same in JavaScript, in the event loop, in
            the worker pool, and with Extism
  proxy     a plain proxy pipeline against other gateways

  --pairs N   rounds of measurements; each compares all targets once (default ${DEFAULT_PAIRS})
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
    needWrk()
    for (const name of options.names) {
      const report = await (BENCHES[name] as (pairs: number) => Promise<Report>)(options.pairs)
      const file = saveReport(report)
      process.stdout.write(
        options.json ? `${JSON.stringify(report)}\n` : `${formatReport(report)}\n${file}\n\n`,
      )
    }
    return 0
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error
    process.stderr.write(`${error.message}\n`)
    return 2
  }
}

interface Options {
  readonly names: readonly string[]
  readonly pairs: number
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
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name))
    const pairs = Number(values.pairs)
    if (unknown !== undefined) throw new RangeError(`there is no benchmark "${unknown}"`)
    if (!Number.isInteger(pairs) || pairs < 1) {
      throw new RangeError(`--pairs ${values.pairs}: not a number of rounds`)
    }
    const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals
    return { names, pairs, json: values.json, help: values.help }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}`)
    return null
  }
}
