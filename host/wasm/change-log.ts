import { type FieldName, fieldName } from '../exchange/field-name.ts'

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

/** What one change is about: the name of a field or a key, the number of a status; empty for others. */
export type ChangeName = string | FieldName

/** Text (latin1) or bytes. */
export type ChangeValue = string | Uint8Array

/** A change as plain data, that structured clone leaves as it is. */
export type ChangeEntry = readonly [kind: number, name: string, value: ChangeValue]

/**
 * The changes of one guest call, in order. A guest's writes are a transaction: they are recorded here and
 * applied whole when the call has returned, or not at all.
 *
 * One list with three places for each change, and room for those that most calls make: an entry costs no object
 * of its own, and the list does not grow.
 */
export class ChangeLog {
  /** Of each change its kind, its name and its value. */
  #places: (number | ChangeName | ChangeValue)[] = NO_PLACES
  #size = 0
  /** Every entry was checked by host calls of this very thread. */
  isChecked = false

  /** A log with these changes. */
  static of(entries: readonly ChangeEntry[]): ChangeLog {
    const log = new ChangeLog()
    for (const [kind, name, value] of entries) log.push(kind, name, value)
    return log
  }

  get size(): number {
    return this.#size
  }

  push(kind: number, name: ChangeName, value: ChangeValue): void {
    if (this.#places === NO_PLACES) this.#places = new Array(USUAL_CHANGES * 3)
    const at = this.#size * 3
    this.#places[at] = kind
    this.#places[at + 1] = name
    this.#places[at + 2] = value
    this.#size += 1
  }

  kindAt(index: number): number {
    return this.#places[index * 3] as number
  }

  nameAt(index: number): string {
    const name = this.#places[index * 3 + 1] as ChangeName
    return typeof name === 'string' ? name : name.name
  }

  /** The name as that of a field; null when it can be none. */
  fieldAt(index: number): FieldName | null {
    const name = this.#places[index * 3 + 1] as ChangeName
    return typeof name === 'string' ? fieldName(name) : name
  }

  valueAt(index: number): ChangeValue {
    return this.#places[index * 3 + 2] as ChangeValue
  }

  /** The first change of this kind, or -1. */
  find(kind: number): number {
    for (let i = 0; i < this.#size; i++) if (this.kindAt(i) === kind) return i
    return -1
  }

  /** All of them as plain data. */
  entries(): ChangeEntry[] {
    return Array.from({ length: this.#size }, (_, i) => [
      this.kindAt(i),
      this.nameAt(i),
      this.valueAt(i),
    ])
  }

  /** Makes it empty. It keeps the room most calls need, and nothing of what was in it. */
  clear(): void {
    if (this.#size > USUAL_CHANGES) this.#places = NO_PLACES
    // A loop, because `fill` is a call into C++.
    else for (let i = 0; i < this.#size * 3; i++) this.#places[i] = ''
    this.#size = 0
  }
}

/** Changes a list has room for when it is made. */
const USUAL_CHANGES = 4

/** Shared by all logs without changes, which many are. */
const NO_PLACES: (number | ChangeName | ChangeValue)[] = []
