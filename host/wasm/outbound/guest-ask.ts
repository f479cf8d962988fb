import type { GuestItem, PluginSetup } from '../executor.ts'

/** What a guest waits for. Plain data: it travels between threads. */
export type GuestAsk =
  | {
      readonly kind: 'http'
      /** `METHOD URL`, then `name: value` for each field, each line but the last with a line feed; latin1. */
      readonly head: string
      readonly body: Uint8Array
      readonly timeoutMs: number
    }
  | { readonly kind: 'function'; readonly name: string; readonly argument: Uint8Array }

/** What it gets: a call that cannot be made is an answer too. */
export interface GuestAnswer {
  /** HTTP: the status. A function: 0. Else an `Errno`. */
  readonly code: number
  /** HTTP: `name: value` and a line feed for each field. After an error: the reason. */
  readonly head: string
  readonly body: Uint8Array
}

/** For whom a call is made. */
export type CallOrigin = Pick<GuestItem, 'requestId' | 'callTrace'>

/** Where calls of guests are made: in the event loop, whatever thread they come from. */
export interface CallPort {
  /** Never rejects. An aborted `signal` says that nobody waits any more. */
  call(
    setup: PluginSetup,
    ask: GuestAsk,
    origin: CallOrigin,
    signal: AbortSignal | null,
  ): Promise<GuestAnswer>
}

/** An answer without a body. */
export function refusal(code: number, reason: string): GuestAnswer {
  return { code, head: reason, body: NO_BYTES }
}

const NO_BYTES = new Uint8Array(0)
