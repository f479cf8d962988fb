import { byteLength, utf8Bytes } from './buffer.ts'
import { refused } from './host-error.ts'
import { tag as hostTag } from './penstock_v1.ts'

/**
 * A note on this request in the access log: at most 32 of 256 bytes for each phase.
 *
 *     tag('cache hit')
 */
export function tag(text: string): void {
  const bytes = utf8Bytes<string>(text)
  const code = hostTag(bytes, byteLength)
  if (code < 0) refused(code, 'tag')
}
