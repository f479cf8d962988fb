import { isFieldValue } from '../exchange/field-rules.ts'
import type { Headers } from '../exchange/headers.ts'
import { Change, ChangeLog, type ChangeName, type ChangeValue } from './change-log.ts'
import type { NotedWrites } from './executor.ts'
import { type Grant, LOCAL_GRANT, Right } from './grant/grant.ts'
import { GuestFields } from './guest-fields.ts'
import { emptyInput, type GuestInput, Message, Phase } from './guest-input.ts'
import type { HeaderName } from './header-name.ts'
import { Errno, GUEST_LIMITS } from './limits.ts'
import {
  type FieldLookup,
  type FieldSource,
  MAX_NOTED,
  MAX_NOTED_VALUE,
  NO_LINES,
} from './lookup/field-lookup.ts'

/**
 * One running call: the input, with the guest's own writes laid over it, and the log of those writes.
 * One object per instance, loaded anew for every call, so that a call allocates next to nothing.
 */
export class GuestCall implements FieldSource {
  input: GuestInput = NO_INPUT
  changes = new ChangeLog()
  readonly grant: Grant
  /** Who applies the changes need not check them again. */
  readonly #isLocal: boolean
  readonly #request = new GuestFields(this, Message.request)
  readonly #response = new GuestFields(this, Message.response)
  /** Another number for every call, for what is counted per call. */
  serial = 0
  status = 0
  requestBody: Uint8Array | null = null
  responseBody: Uint8Array | null = null
  hasReplied = false
  /** How often each capability was denied in this call; null while none was. */
  denials: Map<string, number> | null = null
  /** Answers for the host where it can; null for an ABI without one. */
  #lookup: FieldLookup | null = null
  /** What the call has written over the input's; null while it has not. */
  #method: string | null = null
  #path: string | null = null
  #query: string | null = null
  #host: string | null = null
  #context: Map<string, Uint8Array> | null = null
  #headerBytes = 0
  #contextBytes = 0
  #tags = 0

  /** `isLocal`: whoever applies the changes runs in the same thread, right after the call. */
  constructor(grant: Grant = LOCAL_GRANT, isLocal = false) {
    this.grant = grant
    this.#isLocal = isLocal
  }

  /** From now on `lookup` reads and notes what it can; before the first call. */
  lookUpWith(lookup: FieldLookup): void {
    this.#lookup = lookup
  }

  get hasResponse(): boolean {
    return this.#response.isThere
  }

  get method(): string {
    return this.#method ?? this.input.method
  }

  get path(): string {
    return this.#path ?? this.input.path
  }

  get query(): string {
    return this.#query ?? this.input.query
  }

  get host(): string {
    return this.#host ?? this.input.host
  }

  load(input: GuestInput): void {
    const { phase } = input
    this.changes.clear()
    this.serial += 1
    this.input = input
    this.#method = null
    this.#path = null
    this.#query = null
    this.#host = null
    this.status = input.status
    this.#request.load()
    this.#response.load()
    this.#lookup?.begin(phase === Phase.request, phase !== Phase.done)
    this.requestBody = input.requestBody
    this.responseBody = input.responseBody
    this.hasReplied = false
    this.denials = null
    this.#context = null
    this.#headerBytes = 0
    this.#contextBytes = 0
    this.#tags = 0
  }

  /** Drops what the call looked at, so that an idle instance keeps no request alive. */
  unload(): void {
    this.input = NO_INPUT
    this.#request.load()
    this.#response.load()
    this.#lookup?.end()
    this.requestBody = null
    this.responseBody = null
    this.#context = null
  }

  /** FieldSource */
  putLines(message: number, target: Buffer, at: number, room: number): number {
    const { input } = this
    if (input.putLines !== undefined) return input.putLines(message, target, at, room)
    const headers = message === Message.request ? input.requestHeaders : input.responseHeaders
    return headers === null ? NO_LINES : headers.putLines(target, at, room)
  }

  /** The call is over, and nobody reads fields any more: what it has changed is in `changes` and `noted`. */
  finish(): void {
    if (!this.#isLocal) this.settle(true)
  }

  /** What `changes` has not: who applies them in this thread can take them as they are. Null for nothing. */
  get noted(): NotedWrites | null {
    const lookup = this.#lookup
    return lookup === null || lookup.size === 0 ? null : lookup
  }

  /** Takes over the writes that the lookup has noted, before the host itself looks at fields or changes something. */
  settle(isOver = false): void {
    const lookup = this.#lookup
    if (lookup === null) return
    const { size } = lookup
    if (size === 0) return
    for (let i = 0; i < size; i++) {
      const write = lookup.writeAt(i)
      const header = lookup.headerOf(write)
      const value = lookup.textOf(write)
      const isRequest = lookup.messageOf(write) === Message.request
      if (!isOver) (isRequest ? this.#request : this.#response).set(header, value)
      const set = isRequest ? Change.requestHeaderSet : Change.responseHeaderSet
      const add = isRequest ? Change.requestHeaderAdd : Change.responseHeaderAdd
      this.changes.push(lookup.isNew(write) ? add : set, header, value)
      this.#count(header, value)
    }
    lookup.clear()
  }

  #count({ lower }: HeaderName, value: string): void {
    this.#headerBytes += lower.length + value.length
    // The lookup does not count: what it may note before the next look here has to fit.
    if (this.#headerBytes > GUEST_LIMITS.headerBytes - MAX_NOTED_BYTES) this.#lookup?.endWrites()
  }

  #push(kind: number, name: ChangeName, value: ChangeValue): void {
    this.settle()
    this.changes.push(kind, name, value)
  }

  /**
   * What the call has changed, for whoever applies it before the instance is called again: the next call has the
   * same log. Null for nothing.
   */
  lendChanges(): ChangeLog | null {
    const log = this.changes
    if (log.size === 0) return null
    log.isChecked = this.#isLocal
    return log
  }

  /** As `lendChanges`, for whoever applies it later: the next call has another log. */
  takeChanges(): ChangeLog | null {
    const log = this.lendChanges()
    if (log !== null) this.changes = new ChangeLog()
    return log
  }

  /** Notes that the grant has no `capability`; what the guest is answered. */
  deny(capability: string): number {
    this.denials ??= new Map()
    const known = this.denials.get(capability)
    // Header names come from outside: their number must not grow with what a guest tries.
    if (known !== undefined || this.denials.size < GUEST_LIMITS.denials) {
      this.denials.set(capability, (known ?? 0) + 1)
    }
    return Errno.denied
  }

  /** 0 when the grant has this right, else what the guest is answered. */
  need(right: number, capability: string): number {
    return (this.grant.rights & right) === 0 ? this.deny(capability) : 0
  }

  /**
   * The fields of a message, own writes among them; null when the message is not there in this phase. Whoever
   * wants one value asks `fieldsOf`.
   */
  headersOf(message: number): Headers | null {
    return this.fieldsOf(message)?.all ?? null
  }

  /** As `headersOf`, for looking at single fields. */
  fieldsOf(message: number): GuestFields | null {
    this.settle()
    if (message === Message.request) return this.#request
    return message === Message.response && this.#response.isThere ? this.#response : null
  }

  /** 0 when the message can be changed now, else the error a guest gets. */
  canWrite(message: number): number {
    const phase = this.input.phase
    if (message === Message.request) return phase === Phase.request ? 0 : Errno.wrongPhase
    if (message === Message.response) {
      return this.#response.isThere && phase !== Phase.done ? 0 : Errno.wrongPhase
    }
    return Errno.invalid
  }

  setField(kind: number, value: string): number {
    if (this.input.phase !== Phase.request) return Errno.wrongPhase
    if (this.need(Right.target, 'target') !== 0) return Errno.denied
    if (kind === Change.method) this.#method = value
    else if (kind === Change.path) this.#path = value
    else if (kind === Change.host) this.#host = value
    else this.#query = value
    this.#push(kind, '', value)
    return 0
  }

  setStatus(status: number): number {
    if (this.canWrite(Message.response) !== 0) return Errno.wrongPhase
    if (this.need(Right.reply, 'reply') !== 0) return Errno.denied
    if (status < 200 || status > 599) return Errno.invalid
    this.status = status
    this.#push(Change.status, String(status), '')
    return 0
  }

  setHeader(message: number, header: HeaderName, value: string): number {
    const refused = this.#checkHeader(message, header, value)
    if (refused !== 0) return refused
    const isRequest = message === Message.request
    const fields = isRequest ? this.#request : this.#response
    this.#written(header)
    // Whoever applies it in another thread need not look for a field that is not there. What the guest must not
    // read is not in its input, though it may be there.
    const isNew = !this.#isLocal && header.canRead && !fields.has(header)
    fields.set(header, value)
    const set = isRequest ? Change.requestHeaderSet : Change.responseHeaderSet
    const add = isRequest ? Change.requestHeaderAdd : Change.responseHeaderAdd
    this.#push(isNew ? add : set, header, value)
    return 0
  }

  addHeader(message: number, header: HeaderName, value: string): number {
    const refused = this.#checkHeader(message, header, value)
    if (refused !== 0) return refused
    const isRequest = message === Message.request
    const fields = isRequest ? this.#request : this.#response
    this.#written(header)
    const { headers } = GUEST_LIMITS
    // A write that waits may be of a field that is there: only the copy knows how many there are.
    if (fields.maxSize >= headers && (fields.all?.size ?? 0) >= headers) return Errno.tooLarge
    fields.add(header, value)
    const kind = isRequest ? Change.requestHeaderAdd : Change.responseHeaderAdd
    this.#push(kind, header, value)
    return 0
  }

  removeHeader(message: number, header: HeaderName): number {
    const refused = this.canWrite(message)
    if (refused !== 0) return refused
    if (!header.canWrite) return this.deny(`headers.write ${header.lower}`)
    const isRequest = message === Message.request
    const fields = isRequest ? this.#request : this.#response
    this.#written(header)
    fields.remove(header)
    const kind = isRequest ? Change.requestHeaderRemove : Change.responseHeaderRemove
    this.#push(kind, header, '')
    return 0
  }

  setBody(message: number, bytes: Uint8Array): number {
    const refused = this.canWrite(message)
    if (refused !== 0) return refused
    if (this.need(Right.bodyWrite, 'body.write') !== 0) return Errno.denied
    if (message === Message.request) this.requestBody = bytes
    else this.responseBody = bytes
    this.#push(message === Message.request ? Change.requestBody : Change.responseBody, '', bytes)
    return 0
  }

  reply(status: number, bytes: Uint8Array): number {
    if (this.input.phase !== Phase.request) return Errno.wrongPhase
    if (this.need(Right.reply, 'reply') !== 0) return Errno.denied
    if (status < 200 || status > 599) return Errno.invalid
    this.hasReplied = true
    this.status = status
    this.#makeResponse()
    this.responseBody = bytes
    this.#push(Change.reply, String(status), bytes)
    return 0
  }

  /** Makes an empty response with status 200 when there is none. */
  makeResponse(): void {
    if (this.#response.isThere || this.need(Right.reply, 'reply') !== 0) return
    this.status = 200
    this.#makeResponse()
    this.#push(Change.response, '', '')
  }

  /** A note for the access log, as UTF-8. */
  tag(bytes: Uint8Array): number {
    if (bytes.length === 0) return Errno.invalid
    this.#tags += 1
    if (this.#tags > GUEST_LIMITS.tags || bytes.length > GUEST_LIMITS.tagBytes) {
      return Errno.tooLarge
    }
    this.#push(Change.tag, '', bytes)
    return 0
  }

  context(key: string): Uint8Array | undefined {
    return this.#context?.get(key) ?? this.input.context?.get(key)
  }

  putContext(key: string, value: Uint8Array): number {
    if (this.input.phase === Phase.done) return Errno.wrongPhase
    if (key === '') return Errno.invalid
    const size = (this.#context?.size ?? 0) + (this.input.context?.size ?? 0)
    this.#contextBytes += key.length + value.length
    if (
      key.length > GUEST_LIMITS.contextKeyBytes ||
      size >= GUEST_LIMITS.contextKeys ||
      this.#contextBytes > GUEST_LIMITS.contextBytes
    ) {
      return Errno.tooLarge
    }
    this.#context ??= new Map()
    this.#context.set(key, value)
    this.#push(Change.contextPut, key, value)
    return 0
  }

  #makeResponse(): void {
    this.#response.make()
    this.#lookup?.hide(Message.response)
  }

  /** From now on the host answers for this field. */
  #written({ id }: HeaderName): void {
    this.settle()
    this.#lookup?.written(id)
  }

  #checkHeader(message: number, header: HeaderName, value: string): number {
    const refused = this.canWrite(message)
    if (refused !== 0) return refused
    if (!header.canWrite) return this.deny(`headers.write ${header.lower}`)
    // What the guest writes again was looked at before.
    if (value !== header.lastValid) {
      if (!isFieldValue(value)) return Errno.invalid
      header.lastValid = value
    }
    this.#count(header, value)
    return this.#headerBytes > GUEST_LIMITS.headerBytes ? Errno.tooLarge : 0
  }
}

/** What the lookup may note, at most: names and values. */
const MAX_NOTED_BYTES = MAX_NOTED * (GUEST_LIMITS.headerNameBytes + MAX_NOTED_VALUE)

const NO_INPUT: GuestInput = emptyInput(Phase.start)
