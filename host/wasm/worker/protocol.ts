import type { ChangeLog } from '../change-log.ts'
import type { PluginSetup } from '../executor.ts'
import type { BesideBodies } from './codec.ts'

/** What a thread is given when it is made. */
export interface LaneMemory {
  readonly block: SharedArrayBuffer
  readonly data: SharedArrayBuffer
  /** How long a guest waits for an operation on key-value data. */
  readonly dataWaitMs: number
}

/** One Piscina run: the items of one tick, which lie in the lane's block. */
export interface BatchTask {
  /** Slots in use, from 0. */
  readonly count: number
  /** Setups this thread has not seen yet. */
  readonly installs: readonly SetupMessage[] | null
  /** Setups whose instances can go. */
  readonly drops: readonly number[] | null
  readonly bodies: readonly BesideBodies[] | null
}

/** A setup as structured clone leaves it. */
export type SetupMessage = PluginSetup

/** What a batch answers: everything else is in the block. */
export interface BatchReply {
  /** Slots that were run; the rest is given back unrun. */
  readonly processed: number
  /** The changes of the last slot that ran, when they did not fit in the block. */
  readonly oversize: ChangeLogMessage | null
}

/** A `ChangeLog` as structured clone leaves it. */
export type ChangeLogMessage = Pick<ChangeLog, 'kinds' | 'names' | 'values'>

/** A guest's log line on its way to the event loop. */
export interface LogMessage {
  readonly type: 'guest-log'
  readonly setupId: number
  readonly level: number
  readonly message: string
  readonly requestId: string
}

/** Results a thread writes beside those of the guest: kinds of answers, in `Block.result`. */
export const ResultCode = { replied: -1, trapped: -2, startFailed: -3, outOfFuel: -4 } as const
