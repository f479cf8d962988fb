import type { ExchangeEnd } from '../exchange/exchange.ts'

/**
 * Where the end of an exchange stands among its data in the phase `done`. It travels as one more entry of what a
 * thread is given anyway, so that every other phase costs what it did; a guest reads it as the field END.
 */
export const END_KEY = '\u0000end'

/** The status the client got (499 for none), milliseconds, bytes of body sent, 1 when it has all of them. */
export function encodeEnd({ status, durationMs, sentBytes, isComplete }: ExchangeEnd): Buffer {
  return Buffer.from(`${status} ${durationMs.toFixed(3)} ${sentBytes} ${isComplete ? 1 : 0}`)
}

/** What `encodeEnd` wrote; null in every phase but `done`. */
export function endText(context: ReadonlyMap<string, Uint8Array> | null): string | null {
  const bytes = context?.get(END_KEY)
  return bytes === undefined ? null : Buffer.from(bytes).toString('latin1')
}
