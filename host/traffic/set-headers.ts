import type { Exchange } from '../exchange/exchange.ts'
import { isClaim, takeOverClaims } from '../http/forward.ts'
import type { PathParams } from './path-params.ts'
import { compileVariables, type VariableText } from './request-variables.ts'

/** Changes the headers of a request before its pipeline sees it. */
export type SetHeaders = (exchange: Exchange, params: PathParams | null) => void

interface Field {
  readonly name: string
  /** Null removes the header. */
  readonly value: VariableText | null
}

/** Compiles `setHeaders` of a route; null when there is nothing to do. "" removes a header. */
export function compileSetHeaders(headers: Readonly<Record<string, string>>): SetHeaders | null {
  const fields: Field[] = Object.entries(headers).map(([name, value]) => ({
    name,
    value: value === '' ? null : compileVariables(value),
  }))
  if (fields.length === 0) return null
  const writesClaims = fields.some(({ name, value }) => value !== null && isClaim(name))
  return (exchange, params) => {
    const { request } = exchange
    // All values first: one may be made of a header that another replaces.
    const values = fields.map(({ value }) =>
      value === null ? null : sendable(value(exchange, params)),
    )
    if (writesClaims) takeOverClaims(request.headers)
    for (const [index, { name }] of fields.entries()) {
      const value = values[index]
      if (name.toLowerCase() === 'host') {
        if (value) request.host = value
      } else if (value === null || value === undefined) request.headers.remove(name)
      else request.headers.set(name, value)
    }
  }
}

/** Parts of it may come from the client: bytes that may stand in a field, nothing that ends the line. */
function sendable(text: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text)) return text
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[\x00-\x1f\x7f]/g, '')
    .trim()
}
