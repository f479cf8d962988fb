import { type FieldName, newFieldName } from '../exchange/field-name.ts'
import { Headers } from '../exchange/headers.ts'
import { type GuestInput, Message } from './guest-input.ts'
import type { GuestMemory } from './guest-memory.ts'

const Write = { set: 0, add: 1, remove: 2 } as const

/** So many writes wait as they are; with one more the copy is made. Most guests write two or three fields. */
const MAX_WAITING = 8

/** Who has the input of the running call. */
export interface InputOwner {
  readonly input: GuestInput
}

/**
 * The fields of one message as a guest sees them: those of the input, with its own writes laid over them. The
 * input belongs to others and stays as it is. Writes wait in a short list until somebody asks for what only a
 * copy with all of them can tell: copying the fields of every request to which a guest adds two costs as much
 * as the guest. One object per instance and message, loaded anew for every call.
 *
 *     input ──value──▶ the last write of that name, or the input
 *       └──all, or many writes──▶ copy of the input, with the writes in their order
 */
export class GuestFields {
  readonly #owner: InputOwner
  readonly #message: number
  /** The guest has made the message. */
  #isMade = false
  /** The input with all writes; null until it is needed. */
  #copy: Headers | null = null
  #size = 0
  readonly #kinds: number[] = new Array(MAX_WAITING).fill(Write.set)
  readonly #names: FieldName[] = new Array(MAX_WAITING).fill(NO_NAME)
  readonly #values: string[] = new Array(MAX_WAITING).fill('')

  /** The fields of `message` of the input that `owner` has. */
  constructor(owner: InputOwner, message: number) {
    this.#owner = owner
    this.#message = message
  }

  /** Begins anew with the owner's input, which nothing here will change. It is looked at when needed. */
  load(): void {
    this.#isMade = false
    this.#clear()
  }

  /** Begins anew with a message that the guest has made. */
  make(): void {
    this.#isMade = true
    this.#clear()
  }

  get isThere(): boolean {
    return this.#isMade || this.#message === Message.request || this.#owner.input.status !== 0
  }

  #clear(): void {
    this.#copy = null
    // An idle instance keeps no text of a request alive.
    for (let i = 0; i < this.#size; i++) this.#values[i] = ''
    this.#size = 0
  }

  /** The fields with all writes; null for a message that is not there. The reader must not change them. */
  get all(): Headers | null {
    return this.#size === 0 ? this.#now() : this.#copied()
  }

  /** At most the number of fields. */
  get maxSize(): number {
    const fields = this.#now()
    return (fields === null ? 0 : fields.size) + this.#size
  }

  /**
   * Puts the first value of a field where a guest has room for `cap` bytes, if it fits; returns its whole length.
   * -1 when there is none.
   */
  putValue(field: FieldName, memory: GuestMemory, pointer: number, cap: number): number {
    if (this.#isWritten(field.lower)) {
      const value = this.value(field)
      return value === undefined ? -1 : memory.putLatin1(value, pointer, cap)
    }
    const headers = this.#now()
    const at = headers === null ? -1 : headers.find(field.lower)
    if (headers === null || at < 0) return -1
    const length = headers.valueLengthAt(at)
    if (length > 0 && length <= cap >>> 0) {
      headers.copyValueAt(at, memory.room(pointer, length), pointer >>> 0)
    }
    return length
  }

  /** Is there a field of this name, or a write of it? */
  has({ lower }: FieldName): boolean {
    if (this.#isWritten(lower)) return true
    const headers = this.#now()
    return headers?.has(lower) === true
  }

  /** A write of this name waits. */
  #isWritten(lower: string): boolean {
    for (let i = 0; i < this.#size; i++) {
      if ((this.#names[i] as FieldName).lower === lower) return true
    }
    return false
  }

  /** The first value of a field, or undefined. */
  value({ lower }: FieldName): string | undefined {
    for (let i = this.#size - 1; i >= 0; i--) {
      if ((this.#names[i] as FieldName).lower !== lower) continue
      const kind = this.#kinds[i]
      if (kind === Write.set) return this.#values[i]
      if (kind === Write.remove) return undefined
      // It stands behind those that were there, if any.
      return this.#copied().get(lower)
    }
    return this.#now()?.get(lower)
  }

  set(name: FieldName, value: string): void {
    this.#write(Write.set, name, value)
  }

  add(name: FieldName, value: string): void {
    this.#write(Write.add, name, value)
  }

  remove(name: FieldName): void {
    this.#write(Write.remove, name, '')
  }

  #write(kind: number, name: FieldName, value: string): void {
    if (this.#copy === null && this.#size < MAX_WAITING) {
      this.#kinds[this.#size] = kind
      this.#names[this.#size] = name
      this.#values[this.#size] = value
      this.#size += 1
    } else {
      apply(this.#copied(), kind, name, value)
    }
  }

  /** The fields without the writes that wait. */
  #now(): Headers | null {
    if (this.#copy !== null) return this.#copy
    if (this.#isMade) return NO_HEADERS
    const { input } = this.#owner
    return this.#message === Message.request ? input.requestHeaders : input.responseHeaders
  }

  /** The copy, up to date. */
  #copied(): Headers {
    const copy = this.#copy ?? (this.#now() ?? NO_HEADERS).clone()
    for (let i = 0; i < this.#size; i++) {
      apply(copy, this.#kinds[i] as number, this.#names[i] as FieldName, this.#values[i] as string)
    }
    this.#copy = copy
    this.#size = 0
    return copy
  }
}

const NO_NAME = newFieldName('', '')

/** Nothing writes to it: what writes has a copy. */
const NO_HEADERS = new Headers()

function apply(headers: Headers, kind: number, name: FieldName, value: string): void {
  if (kind === Write.set) headers.setField(name, value)
  else if (kind === Write.add) headers.addField(name, value)
  else headers.remove(name.lower)
}
