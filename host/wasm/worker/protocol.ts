import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import type { ChangeEntry, ChangeLog } from '../change-log.ts'
import type { PluginSetup } from '../executor.ts'
import type { GuestAnswer, GuestAsk } from '../outbound/guest-ask.ts'
import type { Denials } from '../outbound/guest-services.ts'
import type { BesideBodies } from './codec.ts'

/** What a thread is given when it is made. */
export interface LaneMemory {
  readonly block: SharedArrayBuffer
  readonly data: SharedArrayBuffer
  /** How long a guest waits for an operation on key-value data. */
  readonly dataWaitMs: number
  readonly handover: SharedArrayBuffer
}

/** The items of one tick, which lie in the lane's block. */
export interface BatchTask {
  /** Slots in use, from 0. */
  readonly count: number
  /** Setups this thread has not seen yet. */
  readonly installs: readonly SetupMessage[] | null
  /** Setups whose instances can go. */
  readonly drops: readonly number[] | null
  readonly bodies: readonly BesideBodies[] | null
  /** Its guests can wait: see `WaitingGuests`. All of a batch, or none. */
  readonly canWait?: boolean
  /** Answers for guests that wait, by slot. */
  readonly answers?: readonly SlotAnswer[] | null
}

/** A guest that waits goes on in this slot. */
export interface SlotAnswer {
  readonly slot: number
  readonly token: number
  readonly answer: GuestAnswer
}

/** The guest of this slot waits. */
export interface SlotAsk {
  readonly slot: number
  /** Unique in the thread. */
  readonly token: number
  readonly ask: GuestAsk
}

/** A setup as structured clone leaves it. */
export type SetupMessage = PluginSetup

/** What a batch answers: everything else is in the block. */
export interface BatchReply {
  /** Slots that were run; the rest is given back unrun. */
  readonly processed: number
  /** The rest is given back because guests trapped one after another: see MAX_TRAPS. */
  readonly isTrapped: boolean
  /** The changes of the last slot that ran, when they did not fit in the block. */
  readonly oversize: readonly ChangeEntry[] | null
  /** What guests wait for. Default nothing. */
  readonly asks?: readonly SlotAsk[] | null
}

/**
 * So many traps one after another, and a thread gives back what it has not run: whatever made them trap,
 * the others get another thread, or another moment.
 */
export const MAX_TRAPS = 3

/** A guest's log line on its way to the event loop. */
export interface LogMessage {
  readonly type: 'guest-log'
  readonly setupId: number
  readonly level: number
  readonly message: string
  readonly requestId: string
}

/** Which instances a thread has, whenever that changes: setups, and the bytes of their memories beside them. */
export interface InstancesMessage {
  readonly type: 'instances'
  readonly setups: readonly number[]
  readonly bytes: readonly number[]
  /** How many instances of each setup. */
  readonly counts: readonly number[]
}

/** What a call was denied, on its way to the event loop. */
export interface DeniedMessage {
  readonly type: 'denied'
  readonly setupId: number
  readonly requestId: string
  readonly denials: Denials
}

/** What a thread says beside its answers. */
export type ThreadMessage = LogMessage | InstancesMessage | DeniedMessage

/** Results a thread writes beside those of the guest: kinds of answers, in `Block.result`. */
export const ResultCode = {
  replied: -1,
  trapped: -2,
  startFailed: -3,
  outOfFuel: -4,
  waiting: -5,
  unknownResult: -6,
} as const

/** What becomes of what a guest has thrown: one of `ResultCode`, and the text that goes with it. */
export function failedResult(error: unknown, isDry: boolean): { code: number; reason: string } {
  if (isGatewayError(error, 'GUEST_START')) {
    return { code: ResultCode.startFailed, reason: error.params.reason }
  }
  if (isGatewayError(error, 'GUEST_RESULT')) {
    return { code: ResultCode.unknownResult, reason: String(error.params.value) }
  }
  return { code: isDry ? ResultCode.outOfFuel : ResultCode.trapped, reason: reasonOf(error) }
}

/** The same, where the event loop reads it. */
export function failureOf(code: number, reason: string): GatewayError {
  if (code === ResultCode.startFailed) return new GatewayError('GUEST_START', { reason })
  if (code === ResultCode.unknownResult) {
    return new GatewayError('GUEST_RESULT', { value: Number(reason) })
  }
  if (code === ResultCode.outOfFuel) return new GatewayError('GUEST_FUEL', {})
  return new GatewayError('GUEST_TRAPPED', { reason })
}

/** A failure travels as two entries of a change log: the reason and the frames, as plain ASCII. */
export function fillFailure(log: ChangeLog, reason: string, frames: string): void {
  log.clear()
  log.push(0, '', ascii(reason))
  log.push(0, '', ascii(frames))
}

function ascii(text: string): string {
  return text.slice(0, 4_096).replace(/[^\x20-\x7e]/g, '?')
}
