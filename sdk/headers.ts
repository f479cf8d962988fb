import { byteLength, capacity, latin1Bytes, reserve, scratch } from './buffer.ts'
import { ABSENT, refused } from './host-error.ts'
import { nameId } from './names.ts'
import {
  header_add,
  header_count,
  header_get,
  header_get_at,
  header_names,
  header_remove,
  header_set,
} from './penstock_v1.ts'
import { copy, Text } from './text.ts'

/**
 * The header fields of a request or a response. Names are compared without case. Reads see what this
 * call wrote; the host applies the writes when the phase has returned, all of them or none.
 *
 *     if (!request.headers.has('x-request-id')) request.headers.set('x-request-id', request.id)
 *
 * Writing traps, which fails the request, when the value is against the HTTP grammar or the field belongs
 * to the host: `connection`, `content-length`, `host`, `transfer-encoding` and their like.
 */
@final
export class Headers {
  private message: i32

  /** Made by the SDK: use `request.headers` and `response.headers`. */
  constructor(message: i32) {
    this.message = message
  }

  /**
   * The first value of a header, or null.
   *
   *     const type = response.headers.get('content-type')
   */
  get(name: string): Text | null {
    const id = nameId(name)
    let length = header_get(this.message, id, scratch, capacity)
    if (length > capacity) {
      reserve(length)
      length = header_get(this.message, id, scratch, capacity)
    }
    if (length >= 0) return copy(scratch, length)
    if (length != ABSENT) refused(length, name)
    return null
  }

  /**
   * Is there a header of this name?
   *
   *     if (request.headers.has('cookie')) …
   */
  has(name: string): bool {
    // Without room nothing is copied: what comes back is the length of the value.
    const length = header_get(this.message, nameId(name), scratch, 0)
    if (length < 0 && length != ABSENT) refused(length, name)
    return length >= 0
  }

  /**
   * How many fields have this name.
   *
   *     const cookies = response.headers.count('set-cookie')
   */
  count(name: string): i32 {
    const count = header_count(this.message, nameId(name))
    if (count < 0) refused(count, name)
    return count
  }

  /**
   * Every value of a header, in order.
   *
   *     const forwarded = request.headers.getAll('x-forwarded-for')
   *     for (let i = 0; i < forwarded.length; i++) log.info(forwarded[i].toString())
   */
  getAll(name: string): Text[] {
    const count = this.count(name)
    const id = nameId(name)
    const values = new Array<Text>()
    for (let i = 0; i < count; i++) {
      let length = header_get_at(this.message, id, i, scratch, capacity)
      if (length > capacity) {
        reserve(length)
        length = header_get_at(this.message, id, i, scratch, capacity)
      }
      if (length < 0) refused(length, name)
      values.push(copy(scratch, length))
    }
    return values
  }

  /**
   * The name of every field as it arrived, in order; a name that stands twice comes twice.
   *
   *     const names = request.headers.names()
   *     for (let i = 0; i < names.length; i++) {
   *       if (names[i].startsWith('x-internal-')) request.headers.remove(names[i])
   *     }
   */
  names(): string[] {
    let length = header_names(this.message, scratch, capacity)
    if (length > capacity) {
      reserve(length)
      length = header_names(this.message, scratch, capacity)
    }
    if (length < 0) refused(length, 'the headers')
    const names = new Array<string>()
    let start = 0
    for (let i = 0; i < length; i++) {
      if (load<u8>(scratch + i) == 0) {
        names.push(String.UTF8.decodeUnsafe(scratch + start, i - start))
        start = i + 1
      }
    }
    return names
  }

  /**
   * Makes this the only field of its name. The value is a string, a Text or an integer.
   *
   *     request.headers.set('x-tenant', 'acme')
   */
  set<T>(name: string, value: T): void {
    const id = nameId(name)
    const bytes = latin1Bytes<T>(value)
    const code = header_set(this.message, id, bytes, byteLength)
    if (code < 0) refused(code, name)
  }

  /**
   * Adds a field after those that are there.
   *
   *     response.headers.add('set-cookie', 'seen=1; Path=/; HttpOnly')
   */
  add<T>(name: string, value: T): void {
    const id = nameId(name)
    const bytes = latin1Bytes<T>(value)
    const code = header_add(this.message, id, bytes, byteLength)
    if (code < 0) refused(code, name)
  }

  /**
   * Removes every field of this name; nothing happens when there is none.
   *
   *     response.headers.remove('server')
   */
  remove(name: string): void {
    const code = header_remove(this.message, nameId(name))
    if (code < 0) refused(code, name)
  }
}
