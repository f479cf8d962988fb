import { byteLength, release, utf8Bytes } from './buffer.ts'
import { ABSENT, refused } from './host-error.ts'
import { body_get, body_set, body_size } from './penstock_v1.ts'
import { allocate, makeRoom, Text } from './text.ts'

/**
 * The whole body of a message. A phase that names it as its second parameter asks for it: the gateway then
 * collects the body, up to 4 MiB, before the phase runs. Without one, bodies stream past the filter.
 *
 *     onRequest(request: Request, body: Body): void {
 *       if (body.length > 0) log.info(body.text())
 *     }
 */
@final
export class Body {
  private message: i32

  /** Made by the SDK: name it as the second parameter of a phase. */
  constructor(message: i32) {
    this.message = message
  }

  /**
   * The number of bytes.
   *
   *     if (body.length == 0) return reply(400, 'a body is needed')
   */
  get length(): i32 {
    const size = body_size(this.message)
    if (size == ABSENT) return 0
    if (size < 0) refused(size, 'the body')
    return size
  }

  /**
   * The body as a string, read as UTF-8; what is not becomes U+FFFD.
   *
   *     const isJson = body.text().trimStart().startsWith('{')
   */
  text(): string {
    const length = this.length
    makeRoom(length)
    // Not on the managed heap: the string is large enough.
    const bytes = heap.alloc(length)
    if (length > 0) this.read(bytes, length)
    const text = String.UTF8.decodeUnsafe(bytes, length)
    heap.free(bytes)
    return text
  }

  /**
   * A copy of the bytes.
   *
   *     const isPng = body.length > 8 && body.bytes()[1] == 0x50
   */
  bytes(): Uint8Array {
    const length = this.length
    makeRoom(length)
    const bytes = new Uint8Array(length)
    if (length > 0) this.read(bytes.dataStart, length)
    return bytes
  }

  /**
   * The bytes as a Text: the fast way to search and replace, without a conversion to a string.
   *
   *     response.setBody(body.content().replaceAll('staging.example', 'www.example'))
   */
  content(): Text {
    const length = this.length
    const made = allocate(length)
    if (length > 0) this.read(changetype<usize>(made), length)
    return made
  }

  private read(to: usize, length: i32): void {
    const count = body_get(this.message, 0, to, length)
    if (count != length) refused(count, 'the body')
  }
}

/** Replaces the body of a message. */
export function writeBody<T>(message: i32, value: T): void {
  const bytes = utf8Bytes<T>(value)
  const code = body_set(message, bytes, byteLength)
  release()
  if (code < 0) refused(code, 'the body')
}
