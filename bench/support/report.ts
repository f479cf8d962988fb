import { mkdirSync, writeFileSync } from 'node:fs'
import { describeMachine, type Machine } from './machine.ts'
import type { Interval, Verdict } from './statistics.ts'

/** One figure of the design that a benchmark decides. */
export interface Check {
  readonly what: string
  readonly required: string
  readonly measured: Interval
  readonly unit: string
  readonly verdict: Verdict
}

/** What a benchmark is asked for. */
export interface BenchOptions {
  /** Rounds of measurements. */
  readonly pairs: number
  /** Text in the names of the targets to measure; all when empty. */
  readonly only: string
  /** Text in the name of the target they are measured beside; the first when empty. */
  readonly beside: string
  /** Text in the names of the workloads; all when empty. */
  readonly workload: string
}

/** What one benchmark found out; goes to `bench/results/NAME.json`. */
export interface Report {
  readonly name: string
  readonly method: string
  readonly pairs: number
  readonly versions: readonly string[]
  readonly tables: readonly { readonly title: string; readonly text: string }[]
  readonly checks: readonly Check[]
  /** Everything that was measured, for whoever wants to look closer. */
  readonly samples: unknown
}

const RESULTS = new URL('../results/', import.meta.url)

/** Writes the result file and answers with its path. */
export function saveReport(report: Report): string {
  mkdirSync(RESULTS, { recursive: true })
  const { tables: _, ...kept } = report
  const file = new URL(`${report.name}.json`, RESULTS)
  const record = { machine: describeMachine(), date: new Date().toISOString(), ...kept }
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`)
  return file.pathname
}

/** The report as it stands in the terminal. */
export function formatReport(report: Report): string {
  const lines = [
    `${report.name}: ${report.method}`,
    formatMachine(describeMachine()),
    ...report.versions.map((version) => `  ${version}`),
    '',
  ]
  for (const { title, text } of report.tables) lines.push(title, text)
  if (report.checks.length > 0) lines.push('required', ...report.checks.map(formatCheck))
  return `${lines.join('\n')}\n`
}

function formatMachine(machine: Machine): string {
  const { processor, cores, memoryGiB, system, node } = machine
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}`
}

function formatCheck(check: Check): string {
  const { estimate, low, high } = check.measured
  const range = `${digits(estimate)} ${check.unit} (${digits(low)} to ${digits(high)})`
  return `  ${check.verdict.padEnd(9)}  ${check.what}: ${range}, required ${check.required}`
}

/** Three digits that mean something. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}
