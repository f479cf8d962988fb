import { isUtf8 } from 'node:buffer'

/** A value as JSON has it: text, or bytes that are no text. */
export type DataValue = string | { readonly base64: string }

export function valueToJson(value: Uint8Array): DataValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

export function valueFromJson(value: DataValue): Uint8Array {
  return typeof value === 'string'
    ? Buffer.from(value, 'utf8')
    : Buffer.from(value.base64, 'base64')
}
