import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import type { GuestItem, GuestOutcome, OutcomeListener, PluginSetup } from '../executor.ts'
import { emptyInput, Phase } from '../guest-input.ts'
import { failedOutcome } from '../outcome.ts'
import type { Resumption } from './parked-items.ts'

/** Who has sent an item, and counts those that are under way. */
export interface ItemSender {
  onAnswered(outcome: GuestOutcome): void
}

/** An item on its way: who sent it, who waits for it, since when. */
export class QueuedItem {
  readonly setup: PluginSetup
  readonly item: GuestItem
  readonly timeoutMs: number
  readonly enqueuedAtMs: number
  /** Past this moment the item is no longer worth running. */
  readonly expiresAtMs: number
  /** The lanes it may run on: so many, counted from the first. */
  readonly firstLane: number
  readonly laneCount: number
  readonly #sender: ItemSender
  readonly #listener: OutcomeListener
  /** For an item whose guest has waited: with what it goes on, in the thread it waited in. */
  readonly resumption: Resumption | null
  /** Asked before it runs: why it must not, or null. For a version that was suspended while it waited. */
  readonly refusal: (() => GatewayError | null) | null

  constructor(
    setup: PluginSetup,
    item: GuestItem,
    timeoutMs: number,
    queueTimeoutMs: number,
    firstLane: number,
    laneCount: number,
    sender: ItemSender,
    listener: OutcomeListener,
    resumption: Resumption | null = null,
    refusal: (() => GatewayError | null) | null = null,
  ) {
    this.setup = setup
    this.item = item
    this.timeoutMs = timeoutMs
    this.enqueuedAtMs = monotonicMs()
    this.expiresAtMs = this.enqueuedAtMs + queueTimeoutMs
    this.firstLane = firstLane
    this.laneCount = laneCount
    this.#sender = sender
    this.#listener = listener
    this.resumption = resumption
    this.refusal = refusal
  }

  /** Its guest can wait for answers: such guests are run in another way than the others. */
  get canWait(): boolean {
    return this.setup.canWait === true
  }

  /** Its one answer: the sender knows of it before whoever waits goes on. */
  complete(outcome: GuestOutcome): void {
    this.#sender.onAnswered(outcome)
    this.#listener.onOutcome(outcome)
  }

  /** The part of it that comes after the answer its guest has waited for. It has no time limit in the queue. */
  resumed(resumption: Resumption): QueuedItem {
    const { usedMs, queueMs } = resumption
    // Each part adds to the one before it: only this part is added here.
    const usedBefore = usedMs - (this.resumption?.usedMs ?? 0)
    const isFirst = this.resumption === null
    const { requestId, callTrace = null } = this.item
    return new QueuedItem(
      this.setup,
      { ...emptyInput(Phase.answer, requestId), callTrace },
      Math.max(1, this.timeoutMs - usedBefore),
      Number.POSITIVE_INFINITY,
      this.firstLane,
      this.laneCount,
      NOBODY,
      {
        onOutcome: (outcome) =>
          this.complete({
            ...outcome,
            runMs: outcome.runMs + usedBefore,
            queueMs: isFirst ? queueMs : outcome.queueMs,
          }),
      },
      resumption,
    )
  }

  /** It was not run, for `failure`. */
  unrun(failure: GatewayError): GuestOutcome {
    return failedOutcome(failure, 0, null, monotonicMs() - this.enqueuedAtMs)
  }

  /** It has waited too long, or is too large for the block. */
  refused(): GuestOutcome {
    return this.unrun(new GatewayError('GUEST_QUEUE_FULL', { filter: this.setup.name }))
  }
}

/** A second part is counted with the first. */
const NOBODY: ItemSender = { onAnswered: () => undefined }
