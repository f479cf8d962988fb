import { isClaim, isHopByHop } from '../forward.ts'

/** A field that goes on and that the engine does not read. */
export const OTHER = 0
/** Date: an answer that goes on has one. */
export const DATE = 1
/** What the client says about who it is: see `isClaim`. */
export const CLAIM = 2
/** The ids up to here are of fields that go on. */
export const LAST_KEPT = 2
export const HOST_FIELD = 3
export const CONNECTION = 4
export const CONTENT_LENGTH = 5
export const TRANSFER_ENCODING = 6
export const EXPECT = 7
export const UPGRADE = 8
export const KEEP_ALIVE = 9
/** Fields between two neighbors that the engine does not read either. */
export const HOP_BY_HOP = 10

export interface KnownName {
  readonly id: number
  readonly lower: string
  /** The usual spelling. */
  readonly usual: string
}

const IDS: Readonly<Record<string, number>> = {
  date: DATE,
  connection: CONNECTION,
  'content-length': CONTENT_LENGTH,
  'transfer-encoding': TRANSFER_ENCODING,
  host: HOST_FIELD,
  expect: EXPECT,
  upgrade: UPGRADE,
  'keep-alive': KEEP_ALIVE,
}

/** Names worth a shared string: what browsers, tools and servers send most. */
const USUAL_NAMES =
  'Accept Accept-Encoding Accept-Language Accept-Ranges Access-Control-Allow-Origin Age Allow ' +
  'Authorization Cache-Control Connection Content-Disposition Content-Encoding Content-Language ' +
  'Content-Length Content-Location Content-Range Content-Security-Policy Content-Type Cookie DNT ' +
  'Date ETag Expect Expires Forwarded From Host HTTP2-Settings If-Match If-Modified-Since If-None-Match If-Range ' +
  'If-Unmodified-Since Keep-Alive Last-Modified Link Location Max-Forwards Origin Pragma Priority ' +
  'Proxy-Authorization Proxy-Connection Range Referer Retry-After Sec-CH-UA Sec-CH-UA-Mobile Sec-CH-UA-Platform ' +
  'Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-WebSocket-Key ' +
  'Sec-WebSocket-Version Server Set-Cookie Strict-Transport-Security TE Traceparent Tracestate ' +
  'Trailer Transfer-Encoding Upgrade Upgrade-Insecure-Requests User-Agent Vary Via ' +
  'WWW-Authenticate X-Content-Type-Options X-Forwarded-For X-Forwarded-Host X-Forwarded-Port ' +
  'X-Forwarded-Proto X-Frame-Options X-Powered-By X-Real-IP X-Request-ID X-Requested-With'

const SIZE = 1024

/** One step of the hash of a name; case does not matter. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 33) + (byte | 0x20)) | 0
}

function hashOf(name: string): number {
  let hash = 0
  for (let i = 0; i < name.length; i++) hash = hashStep(hash, name.charCodeAt(i))
  return hash
}

const TABLE: (KnownName | null)[] = new Array(SIZE).fill(null)

for (const usual of USUAL_NAMES.split(' ')) {
  const lower = usual.toLowerCase()
  const known = { id: idOf(lower), lower, usual }
  let slot = hashOf(lower) & (SIZE - 1)
  while (TABLE[slot] !== null) slot = (slot + 1) & (SIZE - 1)
  TABLE[slot] = known
}

function idOf(lower: string): number {
  const id = IDS[lower]
  if (id !== undefined) return id
  if (isHopByHop(lower)) return HOP_BY_HOP
  return isClaim(lower) ? CLAIM : OTHER
}

/** The known name that stands in `bytes[from, to)` in any case, or null; `hash` is that of these bytes. */
export function findKnownName(
  bytes: Buffer,
  from: number,
  to: number,
  hash: number,
): KnownName | null {
  let slot = hash & (SIZE - 1)
  for (;;) {
    const known = TABLE[slot] as KnownName | null
    if (known === null || matches(bytes, from, to, known.lower)) return known
    slot = (slot + 1) & (SIZE - 1)
  }
}

function matches(bytes: Buffer, from: number, to: number, lower: string): boolean {
  if (to - from !== lower.length) return false
  for (let i = 0; i < lower.length; i++) {
    // The bytes are token characters: bit 0x20 folds letters and leaves "-" and digits alone.
    if (((bytes[from + i] as number) | 0x20) !== lower.charCodeAt(i)) return false
  }
  return true
}

/** Do `bytes[from, to)` spell `text` exactly? */
export function spells(bytes: Buffer, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[from + i] !== text.charCodeAt(i)) return false
  }
  return true
}
