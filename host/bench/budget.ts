import { nearest } from '../config/nearest.ts'
import { GatewayError } from '../errors.ts'
import type { Measurement } from './measure.ts'

/** What can be limited: how it is found, and in which unit it is. */
interface Limit {
  readonly unit: 'us' | 'bytes' | 'count'
  readonly of: (measurement: Measurement) => number
}

const inline = ({ levels }: Measurement): Measurement['levels'][number]['time'] | undefined =>
  levels.find((level) => level.name === 'inline')?.time

/** Host calls, bytes, fuel and memory are exact: those limits hold on any machine. */
const LIMITS: Readonly<Record<string, Limit>> = {
  p50: { unit: 'us', of: (one) => inline(one)?.p50Us ?? 0 },
  p99: { unit: 'us', of: (one) => inline(one)?.p99Us ?? 0 },
  compile: { unit: 'us', of: (one) => one.compileMs * 1_000 },
  instantiate: { unit: 'us', of: (one) => one.instantiateUs },
  hostcalls: { unit: 'count', of: (one) => one.counts.hostCalls },
  fuel: { unit: 'count', of: (one) => one.counts.fuel },
  bytes: { unit: 'bytes', of: (one) => one.counts.bytesCopied },
  memory: { unit: 'bytes', of: (one) => one.counts.memoryBytes },
}

const UNITS: Readonly<Record<Limit['unit'], Readonly<Record<string, number>>>> = {
  us: { ns: 1e-3, us: 1, ms: 1e3, s: 1e6 },
  bytes: { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, KB: 1e3, MB: 1e6 },
  count: { '': 1, k: 1e3, M: 1e6 },
}

/** One limit of a budget. */
export interface BudgetItem {
  readonly name: string
  /** As it was written. */
  readonly text: string
  readonly maximum: number
}

/** Reads `p99=50us,hostcalls=6,memory=4MiB`; CLI_USAGE for anything else. */
export function parseBudget(text: string): BudgetItem[] {
  return text.split(',').map((part) => {
    const [name = '', value = ''] = part.split('=', 2).map((one) => one.trim())
    const limit = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined
    if (limit === undefined) {
      const near = nearest(name, Object.keys(LIMITS))
      const hint = near === null ? '' : ` (did you mean "${near}"?)`
      throw usage(`"${name}" cannot be limited${hint}; there are ${Object.keys(LIMITS).join(', ')}`)
    }
    const found = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(value)
    const factor = UNITS[limit.unit][found?.[2] ?? '?']
    if (found === null || factor === undefined) {
      const units = Object.keys(UNITS[limit.unit]).filter((unit) => unit !== '')
      throw usage(`the limit "${part.trim()}" is no number with a unit of ${units.join(', ')}`)
    }
    return { name, text: value, maximum: Number(found[1]) * factor }
  })
}

/** A limit that is exceeded. */
export interface Excess {
  readonly name: string
  readonly limit: string
  readonly seen: number
  readonly unit: Limit['unit']
}

/** What of the budget is exceeded. */
export function excessesOf(budget: readonly BudgetItem[], measurement: Measurement): Excess[] {
  return budget.flatMap(({ name, text, maximum }) => {
    const limit = LIMITS[name]
    const seen = limit?.of(measurement) ?? 0
    if (limit === undefined || seen <= maximum) return []
    return [{ name, limit: text, seen, unit: limit.unit }]
  })
}

function usage(reason: string): GatewayError {
  return new GatewayError('CLI_USAGE', { reason })
}
