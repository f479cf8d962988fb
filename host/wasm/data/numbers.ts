/*
 * Numbers among key-value data are their decimal text: every guest, the admin API and a person read the
 * same, and a value that was put as text can be counted up.
 */

/** As the text of an i64; null when it is none. */
export function parseInteger(value: Uint8Array): bigint | null {
  if (value.length === 0 || value.length > 20) return null
  const text = asText(value)
  if (!/^[+-]?\d{1,19}$/.test(text)) return null
  const number = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return isInt64(number) ? number : null
}

/** As the text of a finite number; null when it is none. */
export function parseFloat64(value: Uint8Array): number | null {
  if (value.length === 0 || value.length > 64) return null
  const text = asText(value)
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return null
  const number = Number(text)
  return Number.isFinite(number) ? number : null
}

/** The text that reads back as the same number. */
export function formatNumber(number: bigint | number): Uint8Array {
  return Buffer.from(Object.is(number, -0) ? '0' : String(number), 'latin1')
}

/** Does the number fit in 64 bits with a sign? */
export function isInt64(number: bigint): boolean {
  return number >= -0x8000_0000_0000_0000n && number <= 0x7fff_ffff_ffff_ffffn
}

function asText(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).latin1Slice()
}
