import { monotonicMs } from '../clock.ts'

/** Something with a time limit. `Deadlines` owns these fields; the rest of the object is its maker's. */
export interface DeadlineEntry {
  deadlineMs: number
  previous: DeadlineEntry | null
  next: DeadlineEntry | null
  /** The list it stands in, or null. */
  deadlines: Deadlines | null
  /** The time is up; the entry has been removed. */
  expire(): void
}

/**
 * Things that all have the same time limit, oldest first. Adding and removing relinks a few pointers, and
 * one timer serves them all: a timer per request costs a third of a microsecond, most of it for nothing.
 * It fires up to 1 ms late, never early, and after the sockets have been read once: a loop that stood still runs its
 * timers first, and what peers have sent in time would count as late.
 *
 *     head (first to expire) ⇄ … ⇄ tail (added last)
 */
export class Deadlines {
  readonly limitMs: number
  #head: DeadlineEntry | null = null
  #tail: DeadlineEntry | null = null
  #timer: NodeJS.Timeout | null = null
  readonly #onTimer: () => void

  constructor(limitMs: number) {
    this.limitMs = limitMs
    const fire = (): void => this.#fire()
    this.#onTimer = () => setImmediate(fire)
  }

  /** The limit of `entry` starts now. It must stand in no list. */
  add(entry: DeadlineEntry): void {
    entry.deadlineMs = monotonicMs() + this.limitMs
    entry.deadlines = this
    entry.previous = this.#tail
    entry.next = null
    if (this.#tail === null) this.#head = entry
    else this.#tail.next = entry
    this.#tail = entry
    // The timer of an emptied list is left to run: with steady traffic it would be set for each request.
    if (this.#timer === null) this.#arm(this.limitMs)
  }

  /** Ends the limit of `entry`; nothing happens when it stands in no list or in another. */
  remove(entry: DeadlineEntry): void {
    if (entry.deadlines !== this) return
    if (entry.previous === null) this.#head = entry.next
    else entry.previous.next = entry.next
    if (entry.next === null) this.#tail = entry.previous
    else entry.next.previous = entry.previous
    entry.previous = null
    entry.next = null
    entry.deadlines = null
  }

  /** The limit of `entry` starts again. */
  restart(entry: DeadlineEntry): void {
    this.remove(entry)
    this.add(entry)
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(this.#onTimer, Math.ceil(delayMs))
    this.#timer.unref()
  }

  #fire(): void {
    this.#timer = null
    const nowMs = monotonicMs()
    for (let entry = this.#head; entry !== null && entry.deadlineMs <= nowMs; entry = this.#head) {
      this.remove(entry)
      entry.expire()
    }
    // What expired may have added new entries, and with them armed the timer.
    if (this.#head !== null && this.#timer === null) {
      this.#arm(Math.max(this.#head.deadlineMs - nowMs, 0))
    }
  }
}
