import { byteLength, utf8Bytes } from './buffer.ts'
import { lastReason, readContent } from './http.ts'
import { Text } from './text.ts'

/*
 * Functions of the program that embeds the gateway. Declare each as an import from `host`; the filter's
 * `grant` must name it. It takes bytes, and the filter waits for what it answers, at most 16 times in one
 * phase, as with `http`.
 *
 *     // @ts-ignore: decorator
 *     @external('host', 'plan')
 *     declare function plan(ptr: usize, len: i32): i32
 *
 *     const customer = functions.answer(plan(functions.pass('acme'), functions.length)).toUtf8()
 */

/** Bytes of what `pass` was given last. */
export let length: i32 = 0

/** Where the bytes of a string, an integer, a Text or bytes lie, for the first argument of a function. */
export function pass<T>(value: T): usize {
  const bytes = utf8Bytes<T>(value)
  length = byteLength
  return bytes
}

/** What the function answered; ends the call of the filter, with the reason, when it failed. */
export function answer(code: i32): Text {
  if (code < 0) throw new Error(`function: ${lastReason(`the host answered ${code}`)}`)
  return readContent()
}

/** As `answer`, null in place of an error. */
export function answerOrNull(code: i32): Text | null {
  return code < 0 ? null : readContent()
}
