import { isClaim, isHopByHop } from '../forward.ts'

/** A field that goes on and that the engine does not read. */
export const OTHER = 0
/** Date: an answer that goes on has one. */
export const DATE = 1
/** What the client says about who it is: see `isClaim`. */
export const CLAIM = 2
export const HOST_FIELD = 3
/** The ids up to here are of fields between two ends; those above are dropped on the way. */
export const LAST_KEPT = 3
export const CONNECTION = 4
export const CONTENT_LENGTH = 5
export const TRANSFER_ENCODING = 6
export const EXPECT = 7
export const UPGRADE = 8
export const KEEP_ALIVE = 9
/** Fields between two neighbors that the engine does not read either. */
export const HOP_BY_HOP = 10

interface KnownName {
  readonly id: number
  readonly lower: string
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

/** Every name whose id is not OTHER. */
const NAMES: readonly string[] = [
  ...Object.keys(IDS),
  'forwarded',
  'http2-settings',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
]

const SIZE = 256

/** Where to look for a name: its length and its ends tell nearly all of them apart. */
function slotOf(length: number, first: number, last: number): number {
  return (length * 29 + (first | 0x20) * 7 + (last | 0x20)) & (SIZE - 1)
}

const TABLE: (KnownName | null)[] = new Array(SIZE).fill(null)

for (const lower of NAMES) {
  let slot = slotOf(lower.length, lower.charCodeAt(0), lower.charCodeAt(lower.length - 1))
  while (TABLE[slot] !== null) slot = (slot + 1) & (SIZE - 1)
  TABLE[slot] = { id: idOf(lower), lower }
}

function idOf(lower: string): number {
  const id = IDS[lower]
  if (id !== undefined) return id
  if (isHopByHop(lower)) return HOP_BY_HOP
  return isClaim(lower) ? CLAIM : OTHER
}

/** The id of the name in `bytes[from, to)`, whatever its case. */
export function fieldId(bytes: Buffer, from: number, to: number): number {
  let slot = slotOf(to - from, bytes[from] as number, bytes[to - 1] as number)
  for (;;) {
    const known = TABLE[slot] as KnownName | null
    if (known === null) return OTHER
    if (matches(bytes, from, to, known.lower)) return known.id
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
