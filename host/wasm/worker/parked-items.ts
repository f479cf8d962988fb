import type { GuestItem, GuestOutcome, PluginSetup } from '../executor.ts'
import type { GuestAnswer, GuestAsk } from '../outbound/guest-ask.ts'
import type { GuestServices } from '../outbound/guest-services.ts'

/** The second and later parts of an item whose guest has waited. */
export interface Resumption {
  /** What the thread knows the waiting guest by. */
  readonly token: number
  readonly answer: GuestAnswer
  /** Running time of the parts before. */
  readonly usedMs: number
  /** How long the item waited before its first part. */
  readonly queueMs: number
}

/** What a lane keeps of an item while its guest waits. */
interface Parkable {
  readonly setup: PluginSetup
  readonly item: GuestItem
  readonly complete: (outcome: GuestOutcome) => void
}

interface Parked<T> {
  readonly item: T
  readonly abort: AbortController
}

/**
 * The items of one thread whose guests wait, and the turnstile before it: a setup has so many instances in
 * a thread, and one that waits serves nobody else, so only as many items are let in at a time.
 */
export class ParkedItems<T extends Parkable> {
  readonly #services: GuestServices
  readonly #onAnswer: (item: T, resumption: Resumption) => void
  readonly #parked = new Map<number, Parked<T>>()
  /** Items that are in, by setup. */
  readonly #inside = new Map<number, number>()
  #held: T[] = []

  constructor(services: GuestServices, onAnswer: (item: T, resumption: Resumption) => void) {
    this.#services = services
    this.#onAnswer = onAnswer
  }

  /** Items that wait for an answer. */
  get size(): number {
    return this.#parked.size
  }

  /** True when the item may go on to the thread now; else it is held back until another one leaves. */
  enter(item: T): boolean {
    const { id, instances = 1 } = item.setup
    const inside = this.#inside.get(id) ?? 0
    if (inside >= instances) {
      this.#held.push(item)
      return false
    }
    this.#inside.set(id, inside + 1)
    return true
  }

  /** An item that was let in is answered: the next of its setup that may go on now, or null. */
  leave({ setup }: T): T | null {
    const at = this.#held.findIndex((item) => item.setup.id === setup.id)
    if (at >= 0) return this.#held.splice(at, 1)[0] ?? null
    const inside = (this.#inside.get(setup.id) ?? 1) - 1
    if (inside > 0) this.#inside.set(setup.id, inside)
    else this.#inside.delete(setup.id)
    return null
  }

  /** Takes out the held items that `isOver` picks. */
  expire(isOver: (item: T) => boolean): T[] {
    if (this.#held.length === 0) return this.#held.slice()
    const over = this.#held.filter(isOver)
    if (over.length > 0) this.#held = this.#held.filter((item) => !isOver(item))
    return over
  }

  /** The guest of `item` waits for the answer to `ask`, which is asked for now. */
  park(item: T, token: number, ask: GuestAsk, usedMs: number, queueMs: number): void {
    const abort = new AbortController()
    this.#parked.set(token, { item, abort })
    const { setup, item: input } = item
    void this.#services.calls.call(setup, ask, input, abort.signal).then((answer) => {
      // The thread was ended meanwhile.
      if (!this.#parked.delete(token)) return
      this.#onAnswer(item, { token, answer, usedMs, queueMs })
    })
  }

  /** The thread is gone: those that waited in it, and those that were held back. */
  clear(): { readonly lost: T[]; readonly held: T[] } {
    const lost = [...this.#parked.values()].map(({ item, abort }) => {
      abort.abort()
      return item
    })
    const held = this.#held
    this.#parked.clear()
    this.#inside.clear()
    this.#held = []
    return { lost, held }
  }
}
