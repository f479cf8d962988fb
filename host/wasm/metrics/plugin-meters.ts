import { histogramSamples, type MetricFamily, type Sample } from '../../observe/metrics.ts'
import {
  METRIC_LIMITS,
  type MetricDefinition,
  type MetricType,
  parseMetricKey,
} from './metric-name.ts'

/** Stands before the names that guests choose, so that they meet none of ours. */
const PREFIX = 'penstock_plugin_custom_'

/** Filters whose values are kept, beside those in use. */
const SETS_KEPT = 256

/** Whose metrics they are: labels of every sample. */
export interface MeterOwner {
  readonly pipeline: string
  readonly filter: string
  readonly plugin: string
}

interface Meter {
  readonly definition: MetricDefinition
  value: number
  /** Of a histogram: values by bucket, the last one above every bound. */
  readonly counts: number[]
}

interface Family {
  readonly type: MetricType
  readonly meters: Map<MeterSet, Meter>
}

/** The metrics of one filter's plugin, over all versions and generations. */
export class MeterSet {
  readonly owner: MeterOwner
  /** Records of metrics that are no metrics, too many, or already of another kind elsewhere. */
  refused = 0
  /** Generations that use it. */
  users = 0
  readonly #meters = new Map<string, Meter | null>()
  readonly #join: (set: MeterSet, definition: MetricDefinition, meter: Meter) => boolean

  constructor(
    owner: MeterOwner,
    join: (set: MeterSet, definition: MetricDefinition, meter: Meter) => boolean,
  ) {
    this.owner = owner
    this.#join = join
  }

  /** One entry of a log of changes: the metric by its key, `+` or `=` and a number. */
  readonly record = (key: string, text: string): void => {
    const known = this.#meters.get(key)
    const meter = known === undefined ? this.#make(key) : known
    const value = Number(text.slice(1))
    if (meter === null || !Number.isFinite(value)) {
      this.refused += 1
      return
    }
    if (meter.definition.type === 'histogram') {
      const { buckets } = meter.definition
      let bucket = 0
      while (bucket < buckets.length && value > (buckets[bucket] as number)) bucket += 1
      meter.counts[bucket] = (meter.counts[bucket] as number) + 1
      meter.value += value
    } else if (text.charCodeAt(0) === 0x2b /* + */) meter.value += value
    else meter.value = value
  }

  /** Where the metric of this name stands; of a histogram the number of values. Null for none. */
  value(name: string): number | null {
    for (const meter of this.#meters.values()) {
      if (meter?.definition.name !== name) continue
      return meter.definition.type === 'histogram'
        ? meter.counts.reduce((sum, count) => sum + count, 0)
        : meter.value
    }
    return null
  }

  #make(key: string): Meter | null {
    const definition = parseMetricKey(key)
    if (definition === null || this.#meters.size >= METRIC_LIMITS.metrics) return null
    const counts =
      definition.buckets.length === 0 ? [] : new Array(definition.buckets.length + 1).fill(0)
    const meter: Meter = { definition, value: 0, counts }
    const made = this.#join(this, definition, meter) ? meter : null
    this.#meters.set(key, made)
    return made
  }
}

/** The metrics of all guests. Values survive swaps and reloads, and end with the process. */
export class PluginMeters {
  /** Hears of every metric that appears. Set by the composition root. */
  onFamily: (family: MetricFamily) => void = () => undefined
  readonly #sets = new Map<string, MeterSet>()
  readonly #families = new Map<string, Family>()

  /** The metrics of a filter; the caller counts itself as a user. */
  of(owner: MeterOwner): MeterSet {
    const key = `${owner.pipeline}/${owner.filter} ${owner.plugin}`
    let set = this.#sets.get(key)
    if (set === undefined) {
      set = new MeterSet(owner, (...parts) => this.#join(...parts))
      this.#sets.set(key, set)
      this.#forget()
    }
    return set
  }

  /** False when the name is already a metric of another kind, or of other buckets. */
  #join(set: MeterSet, definition: MetricDefinition, meter: Meter): boolean {
    const { type, name } = definition
    const full = `${PREFIX}${name}${type === 'counter' ? '_total' : ''}`
    let family = this.#families.get(full)
    if (family === undefined) {
      family = { type, meters: new Map() }
      this.#families.set(full, family)
      const { meters } = family
      this.onFamily({
        name: full,
        help: `The ${type} "${name}" of plugins.`,
        type,
        collect: () => [...meters].flatMap(([one, values]) => samplesOf(one, values)),
      })
    }
    if (family.type !== type || family.meters.has(set)) return false
    family.meters.set(set, meter)
    return true
  }

  /** Filters that are gone go, the oldest first. */
  #forget(): void {
    for (const [key, set] of this.#sets) {
      if (this.#sets.size <= SETS_KEPT) return
      if (set.users > 0) continue
      this.#sets.delete(key)
      for (const { meters } of this.#families.values()) meters.delete(set)
    }
  }
}

function samplesOf({ owner }: MeterSet, { definition, value, counts }: Meter): Sample[] {
  const labels = { pipeline: owner.pipeline, filter: owner.filter, plugin: owner.plugin }
  return definition.type === 'histogram'
    ? histogramSamples(labels, definition.buckets, counts, value)
    : [{ labels, value }]
}
