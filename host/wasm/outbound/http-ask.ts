import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../../exchange/field-rules.ts'
import { Errno } from '../limits.ts'
import { type GuestAnswer, refusal } from './guest-ask.ts'
import { OUTBOUND_LIMITS } from './outbound-limits.ts'

/** An outbound request that may be sent as far as its form goes; its host is not checked yet. */
export interface OutboundRequest {
  readonly method: string
  readonly url: URL
  /** A flat list, names and values in turn. */
  readonly headers: string[]
}

/** Methods that are no requests for a server's resources, or open a tunnel. */
const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])

/** Reads what a guest has written; the answer it gets when that is wrong. */
export function parseAsk(head: string): OutboundRequest | GuestAnswer {
  const lines = head.split('\n')
  const first = lines[0] ?? ''
  const space = first.indexOf(' ')
  const method = first.slice(0, Math.max(space, 0))
  if (!isToken(method) || REFUSED_METHODS.has(method.toUpperCase())) {
    return refusal(Errno.invalid, `"${method.slice(0, 32)}" is no method for a call`)
  }
  const url = URL.parse(first.slice(space + 1))
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return refusal(Errno.invalid, 'the URL is not absolute with http or https')
  }
  if (url.username !== '' || url.password !== '') {
    return refusal(Errno.invalid, 'a URL has no user and no password here: send a header')
  }
  url.hash = ''
  const headers: string[] = []
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    const value = line.slice(colon + 1).trim()
    if (!isToken(name) || !isFieldValue(value)) {
      return refusal(Errno.invalid, `the header field ${i} is against the grammar of HTTP`)
    }
    const lower = name.toLowerCase()
    if (HOST_OWNED_HEADERS.has(lower) || lower === 'expect') {
      return refusal(Errno.denied, `the header ${lower} belongs to the host`)
    }
    headers.push(name, value)
  }
  if (headers.length > OUTBOUND_LIMITS.headers * 2) {
    return refusal(Errno.tooLarge, `more than ${OUTBOUND_LIMITS.headers} header fields`)
  }
  return { method, url, headers }
}
