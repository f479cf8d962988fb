import type { MessageScope } from '../../exchange/exchange.ts'
import type { NotedWrites } from '../executor.ts'
import { Message } from '../guest-input.ts'
import type { HeaderName } from '../header-name.ts'
import { COPIER, LOOKUP } from './modules.ts'

/** `header_get` and `header_set` of penstock_v1; sdk/ABI.md has the names and the meaning of the numbers. */
type HeaderCall = (message: number, id: number, pointer: number, length: number) => number

/** Where the lookup gets the fields of the running call from. */
export interface FieldSource {
  /**
   * Puts the lines of a message that do not stand apart, each `name: value` and CRLF, into `target` from `at` on, where
   * there is `room` for so many bytes; returns how many there are, or NO_LINES.
   */
  putLines(message: number, target: Buffer, at: number, room: number): number
}

/** The message is not there, its fields are not kept as lines, or they do not fit. */
export const NO_LINES = -1

/** Names it knows: as many as an instance may intern. */
const MAX_NAMES = 256
/** Bytes of a name it knows: the length of one is a byte. */
const MAX_NAME_BYTES = 255
/** Writes it notes before the host has to look. */
export const MAX_NOTED = 8
/** Bytes of a value it notes. */
export const MAX_NOTED_VALUE = 64
/** Bytes of the lines of one message. */
const TEXT_BYTES = 16 * 1024
/** At the end of a text: it is read in steps of so many bytes. */
const STEP = 32

// Places in the memory of lookup.wat, which says what they are: of bytes, and of 32-bit numbers.
const FUEL_AT = 0
const NAME_TEXTS_AT = 8_512
const TEXTS_AT = 24_512
const VALUES_AT = 65_536
const CALL = 8 >> 2
const COUNT = 12 >> 2
const ENDS = 16 >> 2
const WRITABLE = 24 >> 2
const WRITES = 32 >> 2
const NAMES = 64 >> 2
/** Numbers of a name. */
const NAME_NUMBERS = 4
/** Stands for an end or a length: the host is asked. */
const TO_BE_ASKED = -1

/** Parts of a write, beside the id: see lookup.wat. */
const ID = 255
const IS_NEW = 256
const IS_CHANGED = 512

const lookup = new WebAssembly.Module(Buffer.from(LOOKUP, 'base64'))
const copier = new WebAssembly.Module(Buffer.from(COPIER, 'base64'))

/**
 * Answers `header_get` and notes `header_set` of one instance in WebAssembly (`lookup.wat`), beside the guest: it
 * searches the bytes of the lines and copies values from memory to memory. Most calls thus never come to JavaScript,
 * where each would make texts; what is not plain is asked of the host's own functions. It halves what a small filter
 * costs (`bench/in-process.ts`; decisions/0012-plain-host-calls-in-wasm.md).
 *
 *     guest ──header_get──▶ lookup ──copy──▶ guest
 *                              └─ refused, written before, no lines, long ─▶ the host's own
 */
export class FieldLookup implements NotedWrites {
  /** One number: the fuel that is left for host calls. */
  readonly fuel: Float64Array
  readonly headerGet: HeaderCall
  readonly headerSet: HeaderCall
  readonly #memory: WebAssembly.Memory
  readonly #table: WebAssembly.Table
  readonly #numbers: Int32Array
  readonly #bytes: Buffer
  readonly #names: HeaderName[] = []
  /** The value that was last noted of each name, as text. */
  readonly #values: string[] = []
  #namesEnd = NAME_TEXTS_AT

  /** `askForValue` and `askToSet` are the host's own. */
  constructor(askForValue: HeaderCall, askToSet: HeaderCall, source: FieldSource) {
    const load = (message: number): number =>
      source.putLines(message, this.#bytes, TEXTS_AT + message * TEXT_BYTES, TEXT_BYTES - STEP)
    const host = { header_get: askForValue, header_set: askToSet, load }
    const { exports } = new WebAssembly.Instance(lookup, { host })
    this.#memory = exports['memory'] as WebAssembly.Memory
    this.#table = exports['copier'] as WebAssembly.Table
    this.headerGet = exports['header_get'] as unknown as HeaderCall
    this.headerSet = exports['header_set'] as unknown as HeaderCall
    const { buffer } = this.#memory
    this.fuel = new Float64Array(buffer, FUEL_AT, 1)
    this.#numbers = new Int32Array(buffer)
    this.#bytes = Buffer.from(buffer)
  }

  /** The memory of the guest, which exists only when the guest does. Until then the host is asked. */
  attach(guest: WebAssembly.Memory): void {
    const imports = { guest: { memory: guest }, lookup: { memory: this.#memory } }
    const { exports } = new WebAssembly.Instance(copier, imports)
    this.#table.set(0, exports['copy'])
    this.#table.set(1, exports['take'])
  }

  /** The guest has interned a name. What the grant keeps from it stays unknown here. */
  learn(header: HeaderName): void {
    const { id, lower, isApart, canRead, canWrite } = header
    if (id >= MAX_NAMES) return
    const at = NAMES + id * NAME_NUMBERS
    const end = this.#namesEnd + lower.length
    // With one bit less, as they are compared, these two characters are the same.
    const fits = lower.length <= MAX_NAME_BYTES && end <= TEXTS_AT
    const isKnown = canRead && !isApart && fits && !/[\^~]/.test(lower)
    this.#names[id] = header
    this.#values[id] = ''
    this.#numbers[at + 1] = isKnown ? lower.length : TO_BE_ASKED
    this.#numbers[at + 3] = isKnown && canWrite ? 0 : TO_BE_ASKED
    if (!isKnown) return
    for (let i = 0; i < lower.length; i++) {
      this.#bytes[this.#namesEnd + i] = lower.charCodeAt(i) | 0x20
    }
    this.#numbers[at] = this.#namesEnd
    this.#namesEnd = end
  }

  /** A call begins. */
  begin(canWriteRequest: boolean, canWriteResponse: boolean): void {
    const numbers = this.#numbers
    numbers[CALL] = (numbers[CALL] as number) + 1
    numbers[COUNT] = 0
    numbers[ENDS] = 0
    numbers[ENDS + 1] = 0
    numbers[WRITABLE] = canWriteRequest ? 1 : 0
    numbers[WRITABLE + 1] = canWriteResponse ? 1 : 0
  }

  /** The call is over, and the host is asked for everything. */
  end(): void {
    this.hide(Message.request)
    this.hide(Message.response)
  }

  /** The host is asked for this field until the call is over: it has written it. */
  written(id: number): void {
    if (id >= MAX_NAMES) return
    this.#numbers[NAMES + id * NAME_NUMBERS + 2] = this.#numbers[CALL] as number
  }

  /** The host is asked for all fields of this message until the call is over. */
  hide(message: number): void {
    this.#numbers[ENDS + message] = TO_BE_ASKED
  }

  /** Every write of this call goes to the host from now on. */
  endWrites(): void {
    this.#numbers[WRITABLE] = 0
    this.#numbers[WRITABLE + 1] = 0
  }

  /** How many writes are noted, each the only one of its name. */
  get size(): number {
    return this.#numbers[COUNT] as number
  }

  /** A noted write, for the four below. */
  writeAt(index: number): number {
    return this.#numbers[WRITES + index] as number
  }

  messageOf(write: number): number {
    return write >> 10
  }

  headerOf(write: number): HeaderName {
    return this.#names[write & ID] as HeaderName
  }

  /** True when the message has no field of this name. */
  isNew(write: number): boolean {
    return (write & IS_NEW) !== 0
  }

  /** A valid value. What a filter writes is often what it wrote before: then there is a text of it. */
  textOf(write: number): string {
    const id = write & ID
    if ((write & IS_CHANGED) !== 0) {
      const at = VALUES_AT + id * MAX_NOTED_VALUE
      const length = this.#numbers[NAMES + id * NAME_NUMBERS + 3] as number
      this.#values[id] = this.#bytes.latin1Slice(at, at + length)
    }
    return this.#values[id] as string
  }

  /** NotedWrites */
  applyTo({ request, response }: MessageScope): void {
    const { size } = this
    for (let i = 0; i < size; i++) {
      const write = this.writeAt(i)
      const message = this.messageOf(write) === Message.request ? request : response
      // A write of a message that is not there is none that is noted.
      if (message === null) continue
      if (this.isNew(write)) message.headers.addField(this.headerOf(write), this.textOf(write))
      else message.headers.setField(this.headerOf(write), this.textOf(write))
    }
    this.clear()
  }

  /** The noted writes are taken over. */
  clear(): void {
    this.#numbers[COUNT] = 0
  }
}
