import { isToken } from '../../exchange/field-rules.ts'
import { allowsHeader } from '../grant/grant.ts'
import { type HeaderName, headerName } from '../header-name.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import { FieldLookup } from '../lookup/field-lookup.ts'
import type { GuestEnv } from './abi.ts'

/** The host calls for headers, which need the guest's memory when there is one. */
export interface HeaderCalls {
  readonly imports: WebAssembly.ModuleImports
  attach(memory: WebAssembly.Memory): void
}

/**
 * The imports of `penstock_v1` that read and write headers, for one instance; sdk/ABI.md says what each one
 * promises. Names are interned once. Plain reads and writes are answered by a `FieldLookup`, which makes no texts;
 * what it leaves to the host comes here.
 */
export function penstockV1HeaderCalls({ memory, call, canLookUp }: GuestEnv): HeaderCalls {
  const { read } = call.grant
  const names: HeaderName[] = []
  const ids = new Map<string, number>()
  const lookup = canLookUp ? new FieldLookup(headerGet, headerSet, call) : null
  if (lookup !== null) {
    call.lookUpWith(lookup)
    memory.keepFuelIn(lookup.fuel)
  }
  const imports = {
    header_get: lookup?.headerGet ?? headerGet,
    header_set: lookup?.headerSet ?? headerSet,

    header_id(ptr: number, len: number): number {
      if (len >>> 0 > GUEST_LIMITS.headerNameBytes) return Errno.tooLarge
      const name = memory.latin1(ptr, len)
      const lower = name.toLowerCase()
      const known = ids.get(lower)
      if (known !== undefined) return known
      if (!isToken(name)) return Errno.invalid
      if (ids.size >= GUEST_LIMITS.headerNames) {
        // Names that clients choose must not use the table up: one id is for whoever asked last.
        const last = GUEST_LIMITS.headerNames
        names[last] = headerName(name, call.grant, last)
        return last
      }
      const id = names.length
      const header = headerName(name, call.grant, id)
      names.push(header)
      ids.set(lower, id)
      lookup?.learn(header)
      return id
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
  }
  return { imports, attach: (guest) => lookup?.attach(guest) }

  function headerGet(message: number, id: number, buf: number, cap: number): number {
    const fields = call.fieldsOf(message)
    const header = names[id]
    if (fields === null) return Errno.wrongPhase
    if (header === undefined) return Errno.invalid
    if (!header.canRead) return call.deny(`headers.read ${header.lower}`)
    const length = fields.putValue(header, memory, buf, cap)
    return length < 0 ? Errno.absent : length
  }

  function headerSet(message: number, id: number, ptr: number, len: number): number {
    if (len >>> 0 > GUEST_LIMITS.headerValueBytes) return Errno.tooLarge
    const header = names[id]
    if (header === undefined) return Errno.invalid
    const value = memory.latin1Or(header.lastValue, ptr, len)
    header.lastValue = value
    return call.setHeader(message, header, value)
  }
}
