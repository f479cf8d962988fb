import { cpus } from 'node:os'
import { relative, resolve } from 'node:path'
import { type Excess, excessesOf, parseBudget } from '../../bench/budget.ts'
import { COMPARE_PAIRS, type Comparison, compare } from '../../bench/compare.ts'
import { readKeys } from '../../bench/key-files.ts'
import { type Measurement, measure } from '../../bench/measure.ts'
import {
  comparisonTable,
  countTable,
  formatBytes,
  formatCount,
  formatUs,
  markdown,
  type ReportTable,
  timeTable,
} from '../../bench/report.ts'
import { DEFAULT_SAMPLE, readSample, type Sample } from '../../bench/sample-request.ts'
import { type BenchModule, openBenchModule } from '../../bench/subject.ts'
import { printable } from '../../config/issues.ts'
import { GatewayError, isGatewayError } from '../../errors.ts'
import type { CommandCall, CommandOptions } from '../command.ts'
import { paint, writeError } from '../errors.ts'
import { type CliIo, EXIT, type ExitCode } from '../io.ts'
import { writeTable } from '../output.ts'
import { StepLine } from '../step-line.ts'

const MAX_DURATION_S = 60

/**
 * Measures a module and writes what it found. 0 when it is within its budget, 1 when not or when the plugin
 * fails on the request, 2 when it cannot be measured at all.
 */
export async function bench(call: CommandCall): Promise<ExitCode> {
  const { args, options, io } = call
  const budget =
    options.text('budget') === undefined ? [] : parseBudget(options.text('budget') ?? '')
  const durationMs = durationOf(options)
  const sample = await sampleOf(options, io)
  const parameters = pairsOf(options, 'parameter')
  const given = {
    secrets: pairsOf(options, 'secret'),
    keys: await readKeys(pairsOf(options, 'key'), io.cwd),
  }
  const open = (file: string): Promise<BenchModule> =>
    openBenchModule(resolve(io.cwd, file), parameters, given)
  const module = await open(args[0] ?? '').catch((error: unknown) => {
    if (isGatewayError(error, 'GUEST_PARAMETERS')) {
      const reason = `${error.message}; give parameters with "--parameter name=value"`
      throw new GatewayError('CLI_USAGE', { reason }, error)
    }
    throw error
  })
  const other = options.text('compare')
  const base = other === undefined ? null : await open(other)
  const steps = new StepLine(io)
  let measurement: Measurement
  let comparison: Comparison | null
  try {
    measurement = await measure(module, sample, durationMs, (step) => steps.show(step))
    comparison =
      base === null ? null : await compare(base, module, sample, (step) => steps.show(step))
  } catch (error) {
    steps.clear()
    if (!isGatewayError(error, 'GUEST_BENCH')) throw error
    writeError(error, io)
    return EXIT.refused
  }
  steps.clear()
  const excesses = excessesOf(budget, measurement)
  if (options.flag('json')) writeJson(io, module, measurement, comparison, excesses)
  else if (options.flag('markdown')) writeMarkdown(io, module, measurement, comparison)
  else writeText(call, module, measurement, comparison)
  for (const excess of excesses) io.stderr.write(`${excessText(excess, io)}\n`)
  return excesses.length > 0 ? EXIT.refused : EXIT.ok
}

function durationOf(options: CommandOptions): number {
  const text = options.text('duration') ?? '1'
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= MAX_DURATION_S)) {
    const reason = `--duration takes seconds, more than 0 and at most ${MAX_DURATION_S}, not "${text}"`
    throw new GatewayError('CLI_USAGE', { reason })
  }
  return seconds * 1_000
}

async function sampleOf(options: CommandOptions, io: CliIo): Promise<Sample> {
  const path = options.text('request')
  return path === undefined ? DEFAULT_SAMPLE : await readSample(resolve(io.cwd, path))
}

function pairsOf(
  options: CommandOptions,
  option: 'parameter' | 'secret' | 'key',
): Record<string, string> {
  const found = options.list(option).map((text) => {
    const equals = text.indexOf('=')
    if (equals < 1) {
      const form = option === 'key' ? 'name=algorithm:file' : 'name=value'
      throw new GatewayError('CLI_USAGE', { reason: `--${option} takes ${form}, not "${text}"` })
    }
    return [text.slice(0, equals), text.slice(equals + 1)] as const
  })
  return Object.fromEntries(found)
}

function writeText(
  call: CommandCall,
  module: BenchModule,
  measurement: Measurement,
  comparison: Comparison | null,
): void {
  const { io } = call
  const table = ({ header, rows }: ReportTable): void => writeTable(call, header, rows)
  io.stdout.write(`${headline(module, measurement)}\n\n`)
  table(timeTable(measurement))
  io.stdout.write('\n')
  table(countTable(measurement.counts))
  io.stdout.write(`\nhost calls: ${callList(measurement)}\n`)
  if (comparison !== null) {
    io.stdout.write('\n')
    table(comparisonTable(comparison))
    io.stdout.write(`\n${verdictText(comparison)}\n`)
  } else {
    io.stdout.write(
      '\nNext: "--budget hostcalls=…,fuel=…" holds the exact ones in continuous integration, "--compare OTHER.wasm" shows a difference.\n',
    )
  }
}

function verdictText({ verdict }: Comparison): string {
  return `${verdict}${verdict === 'no difference shown' ? '' : ' than the base'} (90 % interval of ${COMPARE_PAIRS} pairs)`
}

/** `limit 1.0.0, 24.7 KiB (gated 31.2 KiB), compile 12.1 ms, instantiate 80.2 us`. */
function headline({ opened }: BenchModule, { compileMs, instantiateUs }: Measurement): string {
  const { description, gated } = opened
  const name = printable(`${description.name ?? 'module'} ${description.version ?? ''}`.trim())
  const { originalBytes, bytes } = gated.report
  const size = `${formatBytes(originalBytes)}, ${formatBytes(bytes)} behind the gate`
  return `${name}: ${size}; compiled in ${formatUs(compileMs * 1_000)}, instantiated in ${formatUs(instantiateUs)}`
}

function callList({ counts }: Measurement): string {
  const calls = Object.entries(counts.calls)
  if (calls.length === 0) return 'none'
  return calls.map(([name, count]) => `${name} ${formatCount(count)}`).join(', ')
}

function writeMarkdown(
  io: CliIo,
  module: BenchModule,
  measurement: Measurement,
  comparison: Comparison | null,
): void {
  const parts = [`**${headline(module, measurement)}**\n`]
  if (comparison !== null) {
    parts.push(markdown(comparisonTable(comparison)), `${verdictText(comparison)}\n`)
  }
  parts.push(markdown(timeTable(measurement)))
  if (comparison === null) parts.push(markdown(countTable(measurement.counts)))
  parts.push(`Node ${process.versions.node}, ${cpuName()}\n`)
  io.stdout.write(parts.join('\n'))
}

function writeJson(
  io: CliIo,
  { file, opened }: BenchModule,
  measurement: Measurement,
  comparison: Comparison | null,
  excesses: readonly Excess[],
): void {
  const { description, digest, gated } = opened
  const report = {
    module: relative(io.cwd, file),
    name: description.name,
    version: description.version,
    digest,
    bytes: gated.report.originalBytes,
    gatedBytes: gated.report.bytes,
    node: process.versions.node,
    cpu: cpuName(),
    ...measurement,
    comparison,
    exceeded: excesses,
  }
  io.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

function excessText({ name, limit, seen, unit }: Excess, io: CliIo): string {
  const text =
    unit === 'us' ? formatUs(seen) : unit === 'bytes' ? formatBytes(seen) : formatCount(seen)
  return `${paint(io.stderr, io.env, 'red', 'over budget:')} ${name} is ${text}, at most ${limit}`
}

function cpuName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown processor'
}
