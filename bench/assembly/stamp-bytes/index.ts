import { Filter, Request } from '@penstock/sdk'
import { header_get, header_id, header_set } from '@penstock/sdk/penstock_v1'

const REQUEST = 0
const CAPACITY = 1024
const BUFFER = heap.alloc(CAPACITY)

/** "Bearer " as two little-endian numbers that share a byte. */
const BEAR: u32 = 0x72616542
const RER_: u32 = 0x20726572

const KNOWN = String.UTF8.encode('known')
const UNKNOWN = String.UTF8.encode('unknown')
const NONE = String.UTF8.encode('none')

const AUTHORIZATION = idOf('authorization')
const USER_AGENT = idOf('user-agent')
const X_REQUEST_ID = idOf('x-request-id')
const X_FILTER = idOf('x-filter')
const X_TRACE = idOf('x-trace')

/** The same filter on the host calls themselves. */
export class StampBytes extends Filter {
  onRequest(_request: Request): void {
    const length = header_get(REQUEST, AUTHORIZATION, BUFFER, CAPACITY)
    const isBearer = length >= 8 && load<u32>(BUFFER) == BEAR && load<u32>(BUFFER + 3) == RER_
    const isKnown = header_get(REQUEST, USER_AGENT, BUFFER, CAPACITY) >= 0 && isBearer
    set(X_FILTER, isKnown ? KNOWN : UNKNOWN)
    const idLength = header_get(REQUEST, X_REQUEST_ID, BUFFER, CAPACITY)
    if (idLength >= 0 && idLength <= CAPACITY) header_set(REQUEST, X_TRACE, BUFFER, idLength)
    else set(X_TRACE, NONE)
  }
}

function set(id: i32, value: ArrayBuffer): void {
  header_set(REQUEST, id, changetype<usize>(value), value.byteLength)
}

function idOf(name: string): i32 {
  const bytes = String.UTF8.encode(name)
  return header_id(changetype<usize>(bytes), bytes.byteLength)
}
