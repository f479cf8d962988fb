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
} as const

export type ChangeKind = (typeof Change)[keyof typeof Change]

/**
 * The changes of one guest call, in order. A guest's writes are a transaction: they are recorded here and
 * applied whole when the call has returned, or not at all.
 *
 * Three parallel lists instead of a list of objects: most calls make two or three changes, and an entry
 * costs no object of its own. `name` is a header name, a context key, or the number of a status; `value`
 * is text (latin1) or bytes.
 */
export class ChangeLog {
  readonly kinds: number[] = []
  readonly names: string[] = []
  readonly values: (string | Uint8Array)[] = []

  get size(): number {
    return this.kinds.length
  }

  push(kind: number, name: string, value: string | Uint8Array): void {
    this.kinds.push(kind)
    this.names.push(name)
    this.values.push(value)
  }

  clear(): void {
    // Setting a length costs some 30 ns, three times a call, also when there is nothing to drop.
    if (this.kinds.length === 0) return
    this.kinds.length = 0
    this.names.length = 0
    this.values.length = 0
  }
}
