import { isToken } from '../../exchange/field-rules.ts'
import { Change } from '../change-log.ts'
import { endText } from '../exchange-end.ts'
import { Right } from '../grant/grant.ts'
import type { GuestCall } from '../guest-call.ts'
import { Message } from '../guest-input.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import { LogBudget } from './log-budget.ts'

/** The field numbers of `field_get` and `field_set`. */
const FIELD_METHOD = 0
const FIELD_PATH = 1
const FIELD_QUERY = 2

/**
 * The implementation of the `penstock_v1` imports for one instance, those for headers and later ones apart;
 * sdk/ABI.md says what each one promises.
 */
export function penstockV1Imports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, call, parameters } = env
  const { rights } = call.grant
  const canReadBody = (rights & Right.bodyRead) !== 0
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
