import type { Headers } from '../exchange/headers.ts'

/** What a guest can change. The numbers travel through shared memory between threads of one version. */
export const Change = {
  method: 1,
  path: 2,
  query: 3,
  status: 4,
  reply: 5,
  contextPut: 6,
  tag: 7,
  requestHeaderSet: 8,
  requestHeaderAdd: 9,
  requestHeaderRemove: 10,
  requestBody: 11,
  responseHeaderSet: 12,
  responseHeaderAdd: 13,
  responseHeaderRemove: 14,
  responseBody: 15,
  host: 16,
  /** An empty response is made. */
  response: 17,
  /** A metric of the guest: its key, and `+` or `=` with a number. */
  metric: 18,
} as const

export type ChangeKind = (typeof Change)[keyof typeof Change]

/**
 * The changes of one guest call, in order. A guest's writes are a transaction: they are recorded here and
 * applied whole when the call has returned, or not at all.
 *
 * Three parallel lists instead of a list of objects: most calls make two or three changes, and an entry
 * costs no object of its own. `name` is a header name, a context key, or the number of a status; `value`
 * is text (latin1) or bytes.
 *
 * A guest that runs in the event loop hands over its copy of the fields as it has left them, in place of an
 * entry for each write: finding, checking and copying them once more cost as much as the guest itself.
 */
export class ChangeLog {
  kinds: readonly number[] = NO_NUMBERS
  names: readonly string[] = NO_TEXTS
  values: readonly (string | Uint8Array)[] = NO_VALUES
  /** The fields of the request as the guest has left them; null when they are as they were, or in entries. */
  requestFields: Headers | null = null
  /** The same of the response; applied after the entries, one of which may make the response. */
  responseFields: Headers | null = null
  /** Every entry was checked by host calls of this very thread. */
  isChecked = false

  get size(): number {
    return this.kinds.length
  }

  push(kind: number, name: string, value: string | Uint8Array): void {
    if (this.kinds === NO_NUMBERS) {
      this.kinds = [kind]
      this.names = [name]
      this.values = [value]
      return
    }
    // Made above: lists of its own.
    ;(this.kinds as number[]).push(kind)
    ;(this.names as string[]).push(name)
    ;(this.values as (string | Uint8Array)[]).push(value)
  }

  clear(): void {
    this.kinds = NO_NUMBERS
    this.names = NO_TEXTS
    this.values = NO_VALUES
    this.requestFields = null
    this.responseFields = null
  }
}

// Shared by all logs without entries, which most are.
const NO_NUMBERS: readonly number[] = Object.freeze([])
const NO_TEXTS: readonly string[] = Object.freeze([])
const NO_VALUES: readonly (string | Uint8Array)[] = Object.freeze([])
