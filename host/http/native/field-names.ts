import { isHopByHop } from '../forward.ts'

/** Fields the engine itself acts on; every other field is `OTHER`. */
export const OTHER = 0
export const CONNECTION = 1
export const CONTENT_LENGTH = 2
export const TRANSFER_ENCODING = 3
export const HOST_FIELD = 4
export const EXPECT = 5
export const UPGRADE = 6
export const KEEP_ALIVE = 7
/** Hop-by-hop fields that are dropped and nothing more. */
export const HOP_BY_HOP = 8

export interface KnownName {
  readonly id: number
  readonly lower: string
  /** The usual spelling. */
  readonly usual: string
}

const IDS: Readonly<Record<string, number>> = {
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
  'WWW-Authenticate X-Content-Type-Options X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto ' +
  'X-Frame-Options X-Powered-By X-Real-IP X-Request-ID X-Requested-With'

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
  const known = { id: IDS[lower] ?? (isHopByHop(lower) ? HOP_BY_HOP : OTHER), lower, usual }
  let slot = hashOf(lower) & (SIZE - 1)
  while (TABLE[slot] !== null) slot = (slot + 1) & (SIZE - 1)
  TABLE[slot] = known
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
