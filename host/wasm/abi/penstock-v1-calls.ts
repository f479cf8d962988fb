import { isToken } from '../../exchange/field-rules.ts'
import { Change } from '../change-log.ts'
import { endText } from '../exchange-end.ts'
import { allowsHeader, Right } from '../grant/grant.ts'
import { type GuestCall, type HeaderName, headerName, Message } from '../guest-call.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import { LogBudget } from './log-budget.ts'

/** The field numbers of `field_get` and `field_set`. */
const FIELD_METHOD = 0
const FIELD_PATH = 1
const FIELD_QUERY = 2

/**
 * The implementation of the `penstock_v1` imports for one instance; sdk/ABI.md says what each one promises.
 *
 * Plain closures over two objects: a call from Wasm costs about 10 ns, and creating strings is what the
 * rest of the time goes to. So names are interned once, values are written straight from the header
 * into guest memory, and only what a guest writes becomes a string.
 */
export function penstockV1Imports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, call, parameters } = env
  const { read, rights } = call.grant
  const canReadBody = (rights & Right.bodyRead) !== 0
  const names: HeaderName[] = []
  const ids = new Map<string, number>()
  const lines = new LogBudget(call)

  return {
    field_get(field: number, buf: number, cap: number): number {
      const value = readField(call, field)
      return value === null ? Errno.absent : memory.putLatin1(value, buf, cap)
    },

    field_set(field: number, ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.targetBytes) return Errno.tooLarge
      const value = memory.latin1(ptr, len)
      if (field === FIELD_METHOD) {
        return isToken(value) ? call.setField(Change.method, value) : Errno.invalid
      }
      if (field === FIELD_PATH) {
        return isPath(value) ? call.setField(Change.path, value) : Errno.invalid
      }
      if (field === FIELD_QUERY) {
        return isQuery(value) ? call.setField(Change.query, value) : Errno.invalid
      }
      return Errno.denied
    },

    status_get(): number {
      return call.hasResponse ? call.status : Errno.wrongPhase
    },

    status_set(status: number): number {
      return call.setStatus(status)
    },

    header_id(ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.headerNameBytes) return Errno.tooLarge
      const name = memory.latin1(ptr, len)
      const lower = name.toLowerCase()
      const known = ids.get(lower)
      if (known !== undefined) return known
      if (!isToken(name)) return Errno.invalid
      if (ids.size >= GUEST_LIMITS.headerNames) {
        // Names that clients choose must not use the table up: one id is for whoever asked last.
        names[GUEST_LIMITS.headerNames] = headerName(name, call.grant)
        return GUEST_LIMITS.headerNames
      }
      names.push(headerName(name, call.grant))
      ids.set(lower, names.length - 1)
      return names.length - 1
    },

    header_get(message: number, id: number, buf: number, cap: number): number {
      const fields = call.fieldsOf(message)
      const header = names[id]
      if (fields === null) return Errno.wrongPhase
      if (header === undefined) return Errno.invalid
      if (!header.canRead) return call.deny(`headers.read ${header.lower}`)
      const length = fields.putValue(header, memory, buf, cap)
      return length < 0 ? Errno.absent : length
    },

    header_count(message: number, id: number): number {
      const headers = call.headersOf(message)
      const header = names[id]
      if (headers === null) return Errno.wrongPhase
      if (header === undefined) return Errno.invalid
      if (!header.canRead) return call.deny(`headers.read ${header.lower}`)
      let count = 0
      for (let at = headers.find(header.lower); at >= 0; at = headers.find(header.lower, at + 1)) {
        count++
      }
      return count
    },

    header_get_at(message: number, id: number, index: number, buf: number, cap: number): number {
      const headers = call.headersOf(message)
      const header = names[id]
      if (headers === null) return Errno.wrongPhase
      if (header === undefined) return Errno.invalid
      if (!header.canRead) return call.deny(`headers.read ${header.lower}`)
      let at = headers.find(header.lower)
      for (let left = index >>> 0; left > 0 && at >= 0; left--) {
        at = headers.find(header.lower, at + 1)
      }
      return at < 0 ? Errno.absent : memory.putLatin1(headers.valueAt(at), buf, cap)
    },

    header_names(message: number, buf: number, cap: number): number {
      const headers = call.headersOf(message)
      if (headers === null) return Errno.wrongPhase
      let text = ''
      const isEvery = read.isEvery
      for (let i = 0; i < headers.size; i++) {
        const name = headers.nameAt(i)
        if (isEvery || allowsHeader(read, name.toLowerCase())) text += `${name}\0`
      }
      return memory.putLatin1(text, buf, cap)
    },

    header_set(message: number, id: number, ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.headerValueBytes) return Errno.tooLarge
      const header = names[id]
      if (header === undefined) return Errno.invalid
      const value = memory.latin1Or(header.lastValue, ptr, len)
      header.lastValue = value
      return call.setHeader(message, header, value)
    },

    header_add(message: number, id: number, ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.headerValueBytes) return Errno.tooLarge
      const header = names[id]
      if (header === undefined) return Errno.invalid
      return call.addHeader(message, header, memory.latin1(ptr, len))
    },

    header_remove(message: number, id: number): number {
      const header = names[id]
      if (header === undefined) return Errno.invalid
      return call.removeHeader(message, header)
    },

    body_size(message: number): number {
      if (!canReadBody) return call.deny('body.read')
      const body = message === Message.request ? call.requestBody : call.responseBody
      return body === null ? Errno.absent : body.length
    },

    body_get(message: number, offset: number, buf: number, cap: number): number {
      if (!canReadBody) return call.deny('body.read')
      const body = message === Message.request ? call.requestBody : call.responseBody
      if (body === null) return Errno.absent
      const from = Math.min(offset >>> 0, body.length)
      const count = Math.min(cap >>> 0, body.length - from)
      memory.putBytes(body.subarray(from, from + count), buf)
      return count
    },

    body_set(message: number, ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.bodyBytes) return Errno.tooLarge
      return call.setBody(message, memory.copy(ptr, len))
    },

    reply(status: number, ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.bodyBytes) return Errno.tooLarge
      return call.reply(status, memory.copy(ptr, len))
    },

    ctx_get(keyPtr: number, keyLen: number, buf: number, cap: number): number {
      if (keyLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      const value = call.context(memory.utf8(keyPtr, keyLen))
      if (value === undefined) return Errno.absent
      if (value.length <= cap >>> 0) memory.putBytes(value, buf)
      return value.length
    },

    ctx_put(keyPtr: number, keyLen: number, ptr: number, len: number): number {
      if (keyLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      if (len >>> 0 > GUEST_LIMITS.contextBytes) return Errno.tooLarge
      return call.putContext(memory.utf8(keyPtr, keyLen), memory.copy(ptr, len))
    },

    param_get(keyPtr: number, keyLen: number, buf: number, cap: number): number {
      if (keyLen >>> 0 > GUEST_LIMITS.contextKeyBytes) return Errno.tooLarge
      const value = parameters.get(memory.utf8(keyPtr, keyLen))
      return value === undefined ? Errno.absent : memory.putUtf8(value, buf, cap)
    },

    log(level: number, ptr: number, len: number): void {
      if (!lines.take()) return
      env.log(level, memory.utf8(ptr, Math.min(len >>> 0, GUEST_LIMITS.logBytes)))
    },

    now(): number {
      return env.wallMs()
    },

    tag(ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.tagBytes) return Errno.tooLarge
      return call.tag(memory.copy(ptr, len))
    },
  }
}

function readField(call: GuestCall, field: number): string | null {
  switch (field) {
    case FIELD_METHOD:
      return call.method
    case FIELD_PATH:
      return call.path
    case FIELD_QUERY:
      return call.query
    case 3:
      return call.input.scheme
    case 4:
      return call.input.host
    case 5:
      return call.input.clientAddress
    case 6:
      return call.input.route
    case 7:
      return call.input.requestId
    case 8:
      return call.input.protocol
    case 9:
      return endText(call.input.context)
    default:
      return null
  }
}

/** A path in origin-form, RFC 3986 characters only, that names no other host and climbs nowhere. */
export function isPath(text: string): boolean {
  return (
    /^\/(?:[!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2})*$/.test(text) &&
    !text.startsWith('//') &&
    !/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(text)
  )
}

/** An authority: a name or an address, and a port when there is one (RFC 3986, section 3.2). */
export function isHost(text: string): boolean {
  return (
    text.length <= GUEST_LIMITS.headerNameBytes &&
    /^(?:[!$&-.0-9;=A-Z_a-z~]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text)
  )
}

export function isQuery(text: string): boolean {
  return /^(?:[!$&-;=?-Z_a-z~[\]{}|^`"\\]|%[0-9A-Fa-f]{2})*$/.test(text)
}
