import { createHash } from 'node:crypto'

/** Apache's variant of MD5-crypt: 1,000 rounds over password and salt. Answers the whole `$apr1$…` hash. */
export function apr1(password: string, salt: string): string {
  const secret = Buffer.from(password, 'utf8')
  const salted = Buffer.from(salt, 'latin1')
  const inner = md5(secret, salted, secret)
  const parts: Buffer[] = [secret, Buffer.from('$apr1$', 'latin1'), salted]
  for (let left = secret.length; left > 0; left -= 16)
    parts.push(inner.subarray(0, Math.min(16, left)))
  for (let bits = secret.length; bits > 0; bits >>= 1) {
    parts.push((bits & 1) === 1 ? Buffer.alloc(1) : secret.subarray(0, 1))
  }
  let sum = md5(...parts)
  for (let round = 0; round < 1_000; round++) {
    const odd = (round & 1) === 1
    const pieces = [odd ? secret : sum]
    if (round % 3 !== 0) pieces.push(salted)
    if (round % 7 !== 0) pieces.push(secret)
    pieces.push(odd ? sum : secret)
    sum = md5(...pieces)
  }
  return `$apr1$${salt}$${encodeSum(sum)}`
}

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** MD5-crypt's order of the bytes, six bits to a character, the lowest first. */
function encodeSum(sum: Buffer): string {
  const byte = (index: number): number => sum[index] ?? 0
  let text = ''
  const add = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) text += ALPHABET[(value >> (6 * i)) & 63]
  }
  for (let i = 0; i < 5; i++) {
    const last = i === 4 ? 5 : i + 12
    add((byte(i) << 16) | (byte(i + 6) << 8) | byte(last), 4)
  }
  add(byte(11), 2)
  return text
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
