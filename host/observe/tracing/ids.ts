import { randomFillSync } from 'node:crypto'

/** Asking the system for 8 bytes costs as much as for these. */
const pool = Buffer.allocUnsafe(4_096)
let used = pool.length

/** 16 random bytes in hex (W3C Trace Context, section 3.2.2.3). */
export function newTraceId(): string {
  return randomHex(16)
}

/** 8 random bytes in hex. */
export function newSpanId(): string {
  return randomHex(8)
}

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const from = used
  used += bytes
  return pool.toString('hex', from, used)
}
