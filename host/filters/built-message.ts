import { isJsonObject, type JsonObject, type JsonValue } from '../config/json.ts'
import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/field-rules.ts'
import { refuseBuilt } from './template-builder.ts'

/** A built document: a map, or nothing, which is an empty one. */
export function builtMap(data: JsonValue): JsonObject {
  if (data === null) return {}
  if (isJsonObject(data)) return data
  throw refuseBuilt('the template must give a map of fields')
}

/** A field that is text; numbers and truth values are taken as they are written. */
export function builtText(data: JsonObject, field: string): string {
  const value = data[field]
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw refuseBuilt(`\`${field}\` must be text: write "${field}: |" and the text below it`)
}

/** `headers`: a value, or a list of values, for each name. A flat list comes out. */
export function builtHeaders(data: JsonObject): string[] {
  const headers = data['headers']
  if (headers === undefined || headers === null) return []
  if (!isJsonObject(headers)) throw refuseBuilt('`headers` must be a map of lists')
  const list: string[] = []
  for (const [name, values] of Object.entries(headers)) {
    if (!isToken(name)) throw refuseBuilt(`"${name}" is not a header name`)
    // Framing and Host are written by the gateway.
    if (HOST_OWNED_HEADERS.has(name.toLowerCase())) continue
    for (const value of Array.isArray(values) ? values : [values]) {
      list.push(name, builtFieldValue(name, value))
    }
  }
  return list
}

function builtFieldValue(name: string, value: JsonValue): string {
  if (value === null || typeof value === 'object') {
    throw refuseBuilt(`the header ${name} must be text or a list of texts`)
  }
  // Fields are bytes on the wire: one character is one byte.
  const text = Buffer.from(String(value).trim(), 'utf8').toString('latin1')
  if (!isFieldValue(text)) throw refuseBuilt(`the value of the header ${name} cannot be sent`)
  return text
}
