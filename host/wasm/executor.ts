import type { GatewayError } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { CallTrace } from '../observe/tracing/call-trace.ts'
import type { ChangeLog } from './change-log.ts'
import type { Grant } from './grant/grant.ts'
import type { GuestFrame } from './guest-frames.ts'
import type { GuestInput } from './guest-input.ts'

/**
 * One event for a guest: the input of a phase. Later kinds of events (body chunks, call answers, timers)
 * are further phases, not a second way in.
 */
export interface GuestItem extends GuestInput {
  /** The trace that calls of the guest belong to; null or left out for none. Looked at when it makes one. */
  readonly callTrace?: CallTrace | null
}

/**
 * Where guests can run. `process`, a crash boundary that is its own and for which nothing here has to change, is
 * later: an executor behind the same contract, whose items and outcomes are plain data already.
 */
export const ISOLATIONS = ['worker', 'inline'] as const

export type Isolation = (typeof ISOLATIONS)[number]

/** How a guest answered one item. */
export interface GuestOutcome {
  /**
   * `next` goes on, `result` jumps by a named result, `replied` answers the client, `failed` applied
   * nothing. `wait`, for a guest that waits for a call of its own, is reserved.
   */
  readonly kind: 'next' | 'result' | 'replied' | 'failed'
  /** For `result`: the number of the result, from 1. */
  readonly result: number
  /**
   * What to apply, before the executor is asked again: it has one log for all. Null when nothing was changed. Not
   * yet checked against HTTP or the grant.
   */
  readonly changes: ChangeLog | null
  /**
   * To apply after `changes`, and like them before the executor is asked again. Null for none, and wherever the guest
   * ran in another thread.
   */
  readonly noted: NotedWrites | null
  /** For `failed`: why. */
  readonly failure: GatewayError | null
  /** For a guest that trapped: where it was. */
  readonly frames: readonly GuestFrame[] | null
  /** Running time of the guest, without queueing. */
  readonly runMs: number
  /** How long the item waited for a thread; 0 where nothing waits. */
  readonly queueMs: number
  /** Fuel the call has used; NOT_MEASURED for most calls, because reading it costs as much as a header. */
  readonly fuel: number
}

/** Fields that a guest in this thread has set: checked when they were noted, so that no log stands between. */
export interface NotedWrites {
  applyTo(scope: MessageScope): void
}

/** Who waits for the outcome of an item. Does not throw. */
export interface OutcomeListener {
  /** `outcome` and its changes are used before the call returns, or copied: their place is used again. */
  onOutcome(outcome: GuestOutcome): void
}

/** In place of the fuel of a call that was not measured. */
export const NOT_MEASURED = -1
/** One call in so many has its fuel measured. A power of two. */
export const FUEL_SAMPLE = 16

/**
 * Where instances of one plugin setup run. The contract, whatever is behind it:
 *
 * - every item is answered exactly once; nothing that started runs twice;
 * - a guest that traps or runs past its time is `failed` with GUEST_TRAPPED or GUEST_TIMEOUT, and takes
 *   no other item with it;
 * - one that returns a number below zero is `failed` with GUEST_RESULT, and one that fails while its instance is
 *   made with GUEST_START; out of fuel is GUEST_FUEL;
 * - an item that finds no room or waits too long is `failed` with GUEST_QUEUE_FULL;
 * - a thread that saw MAX_TRAPS traps one after another gives the rest of its batch back, unrun;
 * - after `close` an item is `failed` with GUEST_CLOSED; those under way go on, and `close` resolves when
 *   they are answered and the instances are freed.
 */
export interface Executor {
  /** Makes an instance and runs its start and configure code; fails with GUEST_START. */
  start(): Promise<void>
  /**
   * The outcome where it is known at once; else null, and `listener` hears it after this call has returned. No
   * promise: for every request that is one less, with all that hangs on it.
   */
  submit(item: GuestItem, listener: OutcomeListener): GuestOutcome | null
  status(): ExecutorStatus
  close(): Promise<void>
}

export interface ExecutorStatus {
  readonly isolation: Isolation
  readonly queued: number
  readonly running: number
  readonly calls: number
  readonly failures: number
  /** Instances that are there now. */
  readonly instances: number
  /** Bytes of their memories. */
  readonly memoryBytes: number
}

/** What a thread needs to make instances of a plugin for one filter. Plain data: it is cloned into threads. */
export interface PluginSetup {
  /** Unique in this process. */
  readonly id: number
  readonly name: string
  /** The name of the ABI the module was built for. */
  readonly abi: string
  readonly module: WebAssembly.Module
  readonly parameters: ReadonlyMap<string, string>
  /** Fuel of one call: instructions of the guest, and as much again for host calls. */
  readonly fuel: number
  /** The namespace of its key-value data; null when it may have none. */
  readonly data: string | null
  /** `request`: every call finds the instance as it was after its start. */
  readonly reset: 'never' | 'request'
  /** What it may do. Default the local profile. */
  readonly grant?: Grant
  /** Values of the secrets of the grant, by name. Default none. */
  readonly secrets?: ReadonlyMap<string, string>
  /** It imports what it may have to wait for: `waitsOf` of its module. Default false. */
  readonly canWait?: boolean
  /** Live instances in one thread, those that wait included; only of one that can wait. Default 1. */
  readonly instances?: number
}
