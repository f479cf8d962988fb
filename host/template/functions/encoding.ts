import { createHash } from 'node:crypto'
import { RawText, type Value } from '../value.ts'
import { fn, type TemplateFunction } from './define.ts'

/** sprig's encodings and checksums. They work on bytes: a body that is no text goes through unharmed. */
export const ENCODING_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  b64enc: fn(['bytes'], (bytes) => bytes.toString('base64')),
  b64dec: fn(['text'], (text) => {
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
      return 'illegal base64 data'
    }
    return textFrom(Buffer.from(text, 'base64'))
  }),
  b32enc: fn(['bytes'], encodeBase32),
  b32dec: fn(['text'], decodeBase32),
  sha1sum: fn(['bytes'], (bytes) => createHash('sha1').update(bytes).digest('hex')),
  sha256sum: fn(['bytes'], (bytes) => createHash('sha256').update(bytes).digest('hex')),
  adler32sum: fn(['bytes'], (bytes) => adler32(bytes).toString()),
}

/** Bytes as text; what is not UTF-8 keeps its bytes. */
export function textFrom(bytes: Buffer): Value {
  const text = bytes.toString('utf8')
  // A replacement character that was not in the bytes shows that they are not UTF-8.
  if (!text.includes('\uFFFD') || Buffer.from(text, 'utf8').equals(bytes)) return text
  return new RawText(bytes)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function encodeBase32(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held & 0xff) << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31]
  }
  if (bits > 0) text += ALPHABET[(held << (5 - bits)) & 31]
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=')
}

function decodeBase32(text: string): Value {
  if (text.length % 8 !== 0 || !/^[A-Z2-7]*={0,6}$/.test(text)) return 'illegal base32 data'
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const sign of text.replace(/=+$/, '')) {
    held = ((held & 0xff) << 5) | ALPHABET.indexOf(sign)
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  return textFrom(Buffer.from(bytes))
}

function adler32(bytes: Buffer): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return b * 65_536 + a
}
