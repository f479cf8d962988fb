import { monotonicMs } from '../../clock.ts'
import { Errno } from '../limits.ts'
import type { Block } from '../worker/block.ts'
import { ChannelState, type DataChannel } from './data-channel.ts'
import { DATA_WAIT_MS } from './data-limits.ts'
import type { DataOperation, DataPort, DataReply } from './data-operation.ts'

/**
 * A thread's way to the data: asks the event loop and sleeps until it has answered, `waitMs` at most.
 * What the guest waits is not its running time: the start of its item is moved on by it, before the
 * channel is free again, so that the watch over deadlines sees either a waiting guest or the moved start.
 */
export class ThreadData implements DataPort {
  /** The slot that runs now. */
  slot = 0
  readonly #channel: DataChannel
  readonly #block: Block
  readonly #waitMs: number

  constructor(channel: DataChannel, block: Block, waitMs: number = DATA_WAIT_MS) {
    this.#channel = channel
    this.#block = block
    this.#waitMs = waitMs
    channel.reset()
  }

  execute(operation: DataOperation, reply: DataReply): void {
    reply.clear()
    const channel = this.#channel
    const askedAtMs = monotonicMs()
    channel.ask(this.slot, operation)
    const isAnswered = this.#wait(askedAtMs + this.#waitMs)
    if (isAnswered) channel.readReply(reply)
    else reply.code = Errno.unavailable
    const waitedMs = monotonicMs() - askedAtMs
    this.#block.setStarted(this.slot, this.#block.startedAtMs(this.slot) + waitedMs)
    channel.reset()
  }

  /** False when the time is over and nobody has begun with the operation; nobody will then. */
  #wait(endsAtMs: number): boolean {
    const channel = this.#channel
    for (;;) {
      const { state } = channel
      if (state === ChannelState.answered) return true
      const leftMs = endsAtMs - monotonicMs()
      // What the loop has taken it answers without waiting for anything: that is worth any wait.
      if (state === ChannelState.taken) channel.sleep(state, Number.POSITIVE_INFINITY)
      else if (leftMs > 0) channel.sleep(state, leftMs)
      else if (channel.move(ChannelState.asked, ChannelState.withdrawn)) return false
    }
  }
}
