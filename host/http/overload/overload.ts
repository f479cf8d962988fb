import { monotonicMs } from '../../clock.ts'

/** How the process is doing. Ratios are from 0 to 1. */
export interface OverloadSample {
  /** How much later than asked for timers run, the middle one of the last second. */
  readonly loopDelayMs: number
  /** Memory in use, of what V8 or the container allows. */
  readonly memoryRatio: number
}

/** Measures the process; replaced in tests. */
export interface OverloadProbe {
  sample(nowMs: number): OverloadSample
}

/** All is well. */
export const NORMAL = 0
/** Connections are not kept: every answer closes its own, so that load can go elsewhere. */
export const NO_KEEP_ALIVE = 1
/** New requests get 503 with Retry-After. */
export const SHEDDING = 2
/** New connections are closed unheard. */
export const REFUSING = 3

/** What each level means, for the log. */
export const OVERLOAD_LEVELS: readonly string[] = [
  'over',
  'connections are not kept between requests',
  'new requests get 503',
  'new connections are closed',
]

/** From where on each level holds, and below what it may end: [NO_KEEP_ALIVE, SHEDDING, REFUSING]. */
export interface OverloadThresholds {
  readonly loopDelayMs: { readonly enter: readonly number[]; readonly leave: readonly number[] }
  readonly memoryRatio: { readonly enter: readonly number[]; readonly leave: readonly number[] }
  /** How long all must be better before one level is left: else it would swing with its own effect. */
  readonly calmMs: number
}

/** A busy loop alone never refuses connections: they cost less than what they would be told elsewhere. */
export const OVERLOAD_THRESHOLDS: OverloadThresholds = {
  loopDelayMs: { enter: [100, 250, Number.POSITIVE_INFINITY], leave: [50, 125, 250] },
  memoryRatio: { enter: [0.92, 0.95, 0.98], leave: [0.88, 0.92, 0.95] },
  calmMs: 1_000,
}

/** With this share of its connections open a listener keeps none between requests. */
export const CROWDED_SHARE = 0.9

/** How often the process is looked at. */
export const OVERLOAD_TICK_MS = 100

/**
 * Decides how much work is taken on, from the delay of the event loop and from memory. A level is entered at
 * once and left one at a time.
 *
 *     NORMAL ⇄ NO_KEEP_ALIVE ⇄ SHEDDING ⇄ REFUSING
 */
export class Overload {
  level: number = NORMAL
  /** Requests that were answered 503, and connections that were closed unheard. */
  shed = 0
  /** What was measured last. */
  last: OverloadSample = { loopDelayMs: 0, memoryRatio: 0 }
  readonly #probe: OverloadProbe
  readonly #thresholds: OverloadThresholds
  readonly #onChange: (level: number, sample: OverloadSample) => void
  #calmSinceMs = -1
  #timer: NodeJS.Timeout | null = null

  constructor(
    probe: OverloadProbe,
    thresholds: OverloadThresholds = OVERLOAD_THRESHOLDS,
    onChange: (level: number, sample: OverloadSample) => void = () => undefined,
  ) {
    this.#probe = probe
    this.#thresholds = thresholds
    this.#onChange = onChange
  }

  /** Looks at the process from now on. */
  start(): void {
    this.#timer ??= setInterval(() => this.look(monotonicMs()), OVERLOAD_TICK_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Takes one measurement and acts on it. */
  look(nowMs: number): void {
    const sample = this.#probe.sample(nowMs)
    this.last = sample
    const entered = this.#reached(sample, 'enter')
    if (entered >= this.level) {
      this.#calmSinceMs = -1
      if (entered > this.level) this.#set(entered, sample)
      return
    }
    if (this.#reached(sample, 'leave') >= this.level) {
      this.#calmSinceMs = -1
      return
    }
    if (this.#calmSinceMs < 0) this.#calmSinceMs = nowMs
    else if (nowMs - this.#calmSinceMs >= this.#thresholds.calmMs) {
      this.#calmSinceMs = nowMs
      this.#set(this.level - 1, sample)
    }
  }

  /** The highest level one of whose thresholds is reached. */
  #reached(sample: OverloadSample, which: 'enter' | 'leave'): number {
    const { loopDelayMs, memoryRatio } = this.#thresholds
    for (let level = REFUSING; level > NORMAL; level--) {
      const delay = loopDelayMs[which][level - 1] ?? Number.POSITIVE_INFINITY
      const ratio = memoryRatio[which][level - 1] ?? Number.POSITIVE_INFINITY
      if (sample.loopDelayMs >= delay || sample.memoryRatio >= ratio) return level
    }
    return NORMAL
  }

  #set(level: number, sample: OverloadSample): void {
    this.level = level
    this.#onChange(level, sample)
  }
}

/** An overload that never comes, for listeners nobody watches. */
export const NEVER_OVERLOADED: Overload = new Overload({
  sample: () => ({ loopDelayMs: 0, memoryRatio: 0 }),
})
