import { Change } from '../change-log.ts'
import type { GuestCall } from '../guest-call.ts'
import { Phase } from '../guest-input.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import {
  areBuckets,
  DEFAULT_BUCKETS,
  isMetricName,
  METRIC_LIMITS,
  MetricKind,
  type MetricType,
  metricKey,
} from './metric-name.ts'

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'histogram']

/**
 * The metrics of one instance. A name becomes a number once; counting is an addition here, and what a call
 * has counted travels with its changes when it has returned: a call that fails counts nothing.
 */
export class GuestMetrics {
  readonly #call: GuestCall
  readonly #ids = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #kinds: number[] = []
  /** What the running call has added to each counter. */
  readonly #sums = new Float64Array(METRIC_LIMITS.metrics)
  readonly #touched: number[] = []
  #countedFor = -1
  #records = 0

  constructor(call: GuestCall) {
    this.#call = call
  }

  /** The id of a metric, made when it is new. The same name again must be the same metric. */
  define(kind: number, name: string, bounds: readonly number[]): number {
    const type = TYPES[kind]
    const isHistogram = kind === MetricKind.histogram
    const buckets = isHistogram && bounds.length === 0 ? DEFAULT_BUCKETS : bounds
    if (type === undefined || !isMetricName(name)) return Errno.invalid
    if (isHistogram ? !areBuckets(buckets) : buckets.length > 0) return Errno.invalid
    const key = metricKey({ type, name, buckets })
    const known = this.#ids.get(name)
    if (known !== undefined) return this.#keys[known] === key ? known : Errno.invalid
    if (this.#keys.length >= METRIC_LIMITS.metrics) return Errno.tooLarge
    this.#ids.set(name, this.#keys.length)
    this.#keys.push(key)
    this.#kinds.push(kind)
    return this.#keys.length - 1
  }

  /** Adds to a counter (0 or more) or a gauge. */
  add(id: number, value: number): number {
    const kind = this.#kinds[id]
    if (kind === undefined || kind === MetricKind.histogram || !Number.isFinite(value)) {
      return Errno.invalid
    }
    if (kind === MetricKind.gauge) return this.#push(id, `+${value}`)
    if (value < 0) return Errno.invalid
    if (this.#call.input.phase === Phase.start) return Errno.wrongPhase
    if (this.#sums[id] === 0 && value > 0) this.#touched.push(id)
    this.#sums[id] = (this.#sums[id] as number) + value
    return 0
  }

  /** Sets a gauge, or gives a histogram one more value. */
  record(id: number, value: number): number {
    const kind = this.#kinds[id]
    if (kind === undefined || kind === MetricKind.counter || !Number.isFinite(value)) {
      return Errno.invalid
    }
    return this.#push(id, `=${value}`)
  }

  /** Puts what the call has counted into its changes. */
  flush(): void {
    if (this.#touched.length === 0) return
    for (const id of this.#touched) {
      this.#call.changes.push(Change.metric, this.#keys[id] as string, `+${this.#sums[id]}`)
      this.#sums[id] = 0
    }
    this.#touched.length = 0
  }

  #push(id: number, value: string): number {
    const { serial, input, changes } = this.#call
    if (input.phase === Phase.start) return Errno.wrongPhase
    if (this.#countedFor !== serial) {
      this.#countedFor = serial
      this.#records = 0
    }
    this.#records += 1
    if (this.#records > GUEST_LIMITS.metricRecords) return Errno.tooLarge
    changes.push(Change.metric, this.#keys[id] as string, value)
    return 0
  }
}
