import { sameName } from '../exchange/field-rules.ts'
import { Headers } from '../exchange/headers.ts'
import type { Request } from '../exchange/request.ts'

/**
 * The fields an upstream gets for `request`, as a new flat list: those of the client that go on, and
 * `X-Forwarded-For`, `-Host` and `-Proto` as this gateway knows them. What the client itself claims about
 * who it is and where it came through is dropped: an upstream would believe it. `Host` is not in the list,
 * it has a place of its own.
 */
export function forwardRequestHeaders(request: Request): string[] {
  const { list, hasOwnClaims } = request.headers
  if (hasOwnClaims) return forwardOwnClaims(request)
  const fields: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (isHopByHop(name) || isClaim(name)) continue
    fields.push(name, list[i + 1] as string)
  }
  fields.push('X-Forwarded-For', request.remoteAddress)
  if (request.host !== '') fields.push('X-Forwarded-Host', request.host)
  fields.push('X-Forwarded-Proto', request.scheme)
  return fields
}

/** What the configuration says about the client goes on; what it does not say is added. */
function forwardOwnClaims(request: Request): string[] {
  const { headers } = request
  const { list } = headers
  const fields: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (isHopByHop(name) || sameName(name, 'host')) continue
    fields.push(name, list[i + 1] as string)
  }
  if (!headers.has('x-forwarded-for')) fields.push('X-Forwarded-For', request.remoteAddress)
  if (request.host !== '' && !headers.has('x-forwarded-host')) {
    fields.push('X-Forwarded-Host', request.host)
  }
  if (!headers.has('x-forwarded-proto')) fields.push('X-Forwarded-Proto', request.scheme)
  return fields
}

/**
 * The configuration is about to write a field about the client: what the client itself claims goes, so that
 * an upstream gets the one and not the other.
 */
export function takeOverClaims(headers: Headers): void {
  if (headers.hasOwnClaims) return
  for (const name of CLAIMS) headers.remove(name)
  headers.hasOwnClaims = true
}

const CLAIMS = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
]

/**
 * Valid fields on their way to an upstream: lines as an engine has read them, and lines that this gateway adds.
 * Joined they would be a copy of every field of the request, so only who has to look at all of them does that.
 */
export class ForwardedFields {
  readonly read: string
  readonly added: string

  constructor(read: string, added: string) {
    this.read = read
    this.added = added
  }

  /** All of them as a flat list. */
  get list(): readonly string[] {
    return Headers.fromLines(this.read + this.added).list
  }
}

/**
 * The same as `forwardRequestHeaders`, made without looking at each field when the fields are those that an
 * engine has read and nobody has changed: checked lines never hold a claim.
 */
export function forwardRequestFields(request: Request): ForwardedFields | string[] {
  const { readLines, addedLines } = request.headers
  // A filter may have put anything in the place of the host.
  if (readLines === null || BREAKS_LINE.test(request.host)) return forwardRequestHeaders(request)
  const claims = forwardedLines(request)
  return new ForwardedFields(readLines, addedLines === '' ? claims : addedLines + claims)
}

const BREAKS_LINE = /[^!-~]/

// What was asked for last: behind a balancer, or from one client, all requests say the same.
let lastAddress = ''
let lastHost = ''
let lastScheme = ''
let lastLines = ''

function forwardedLines({ remoteAddress, host, scheme }: Request): string {
  if (remoteAddress !== lastAddress || host !== lastHost || scheme !== lastScheme) {
    const hostLine = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`
    lastAddress = remoteAddress
    lastHost = host
    lastScheme = scheme
    lastLines = `X-Forwarded-For: ${remoteAddress}\r\n${hostLine}X-Forwarded-Proto: ${scheme}\r\n`
  }
  return lastLines
}

/** Host, or a field that says who the client is and what it asked for. */
export function isClaim(name: string): boolean {
  switch (name.length) {
    case 4:
      return sameName(name, 'host')
    case 9:
      return sameName(name, 'forwarded') || sameName(name, 'x-real-ip')
    case 15:
      return sameName(name, 'x-forwarded-for')
    case 16:
      return sameName(name, 'x-forwarded-host') || sameName(name, 'x-forwarded-port')
    case 17:
      return sameName(name, 'x-forwarded-proto')
    default:
      return false
  }
}

/**
 * The fields of `list` (a flat list) that go on to the next hop: without those that describe the
 * connection, the framing or this hop's expectations, and without those that Connection names (RFC 9110,
 * section 7.6.1). `Host` stays. The list itself comes back when there is nothing to remove.
 *
 * Connection cannot be used to drop fields that carry meaning for whoever comes next, such as
 * Authorization: a client could otherwise take away what a gateway in front of us has added.
 */
export function endToEndFields(list: readonly string[]): readonly string[] {
  const length = list.length
  let first = 0
  while (first < length && !isHopByHop(list[first] as string)) first += 2
  if (first === length) return list

  let nominated: string | null = null
  const kept = list.slice(0, first)
  for (let i = first; i < length; i += 2) {
    const name = list[i] as string
    if (!isHopByHop(name)) {
      kept.push(name, list[i + 1] as string)
      continue
    }
    if (name.length === 10 && sameName(name, 'connection')) {
      const value = list[i + 1] as string
      if (namesFields(value)) nominated = nominated === null ? value : `${nominated},${value}`
    }
  }
  return nominated === null ? kept : withoutNominated(kept, nominated)
}

/**
 * Is this a field between two neighbors only? Fields about framing count: each hop frames anew. So do
 * `Expect`, which the server has answered, and the fields that open and credential another proxy.
 */
export function isHopByHop(name: string): boolean {
  // The length and the first letter turn nearly every end-to-end name away without a comparison.
  const letter = name.charCodeAt(0) | 0x20
  switch (name.length) {
    case 2:
      return letter === 0x74 && sameName(name, 'te')
    case 6:
      return letter === 0x65 && sameName(name, 'expect')
    case 7:
      return (
        (letter === 0x75 && sameName(name, 'upgrade')) ||
        (letter === 0x74 && sameName(name, 'trailer'))
      )
    case 10:
      return (
        (letter === 0x63 && sameName(name, 'connection')) ||
        (letter === 0x6b && sameName(name, 'keep-alive'))
      )
    case 14:
      return (
        (letter === 0x63 && sameName(name, 'content-length')) ||
        (letter === 0x68 && sameName(name, 'http2-settings'))
      )
    case 16:
      return letter === 0x70 && sameName(name, 'proxy-connection')
    case 17:
      return letter === 0x74 && sameName(name, 'transfer-encoding')
    case 19:
      return letter === 0x70 && sameName(name, 'proxy-authorization')
    default:
      return false
  }
}

/** May this field stand in a trailer section (RFC 9110, section 6.5.1)? */
export function isTrailerField(name: string): boolean {
  return !isHopByHop(name) && !NEVER_IN_TRAILERS.has(name.toLowerCase())
}

/** Fields that decide how a message is framed, routed, authenticated or read: too late after the body. */
const NEVER_IN_TRAILERS: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expires',
  'host',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'range',
  'retry-after',
  'set-cookie',
  'vary',
  'www-authenticate',
])

/** Fields that a Connection field must not take away. */
const PROTECTED: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'origin',
  'set-cookie',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
])

/** Does a Connection value name more than the options that every client sends? */
function namesFields(value: string): boolean {
  return !/^(?:keep-alive|close)$/i.test(value)
}

function withoutNominated(kept: string[], nominated: string): string[] {
  const names = new Set<string>()
  for (const part of nominated.split(',')) {
    const name = part.trim().toLowerCase()
    if (!PROTECTED.has(name)) names.add(name)
  }
  let write = 0
  for (let read = 0; read < kept.length; read += 2) {
    if (names.has((kept[read] as string).toLowerCase())) continue
    kept[write] = kept[read] as string
    kept[write + 1] = kept[read + 1] as string
    write += 2
  }
  kept.length = write
  return kept
}
