import { monotonicMs } from '../../clock.ts'

/** Something that looks at its time limits now and then. */
export interface Ticking {
  tick(nowMs: number): void
}

/** How often limits are looked at: a limit ends at most this much late, and never early. */
export const TICK_MS = 100

/**
 * One timer for every limit of every connection of this thread. A timer per connection would be set and
 * cleared twice per request; a walk over ten thousand connections costs some 50 us.
 */
export class Ticker {
  /** The time of the last tick: for limits of whole seconds, for which a clock is not worth asking. */
  nowMs: number = monotonicMs()
  readonly #members: Set<Ticking> = new Set()
  readonly #judge: () => void
  #timer: NodeJS.Timeout | null = null

  constructor() {
    this.#judge = () => this.#tick()
  }

  add(member: Ticking): void {
    this.#members.add(member)
    if (this.#timer !== null) return
    this.nowMs = monotonicMs()
    this.#timer = setInterval(() => this.#fire(), TICK_MS)
    // Sockets keep a process alive; looking at them does not.
    this.#timer.unref()
  }

  remove(member: Ticking): void {
    this.#members.delete(member)
    if (this.#members.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /**
   * A loop that stood still runs its timers before it reads its sockets: what peers have sent in time would count as
   * late. So nobody is judged before the sockets have been read once.
   */
  #fire(): void {
    this.nowMs = monotonicMs()
    setImmediate(this.#judge)
  }

  #tick(): void {
    const nowMs = monotonicMs()
    this.nowMs = nowMs
    for (const member of this.#members) member.tick(nowMs)
  }
}

/** The ticker of this thread. */
export const ticker: Ticker = new Ticker()
