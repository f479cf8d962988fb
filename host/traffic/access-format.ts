import type { Exchange, ExchangeEnd } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import { escapeText } from '../observe/log-format.ts'
import { formatSpan } from './flow-trace.ts'

/** Characters of a URI that a line keeps, as in Easegress. */
export const ACCESS_URI_LIMIT = 512

/** What a request was before filters changed it, for the access log. */
export interface AskedRequest {
  readonly method: string
  readonly target: string
  /** Bytes of the body, when the client announced them. */
  readonly bodyBytes: number
}

/** Everything a line can be made of. */
interface Line {
  readonly exchange: Exchange
  readonly asked: AskedRequest
  readonly end: ExchangeEnd
  readonly at: Date
}

const VARIABLES: Readonly<Record<string, (line: Line) => string>> = {
  Time: ({ at }) => at.toISOString(),
  RemoteAddr: ({ exchange }) => exchange.request.remoteAddress,
  RealIP: ({ exchange }) => exchange.request.remoteAddress,
  Method: ({ asked }) => asked.method,
  URI: ({ asked }) => cut(asked.target),
  Proto: ({ exchange }) => `HTTP/${exchange.request.httpVersion}`,
  StatusCode: ({ end }) => String(end.status),
  Duration: ({ end }) => formatSpan(end.durationMs),
  ReqSize: ({ asked }) => String(Math.max(0, asked.bodyBytes)),
  RespSize: ({ end }) => String(end.sentBytes),
  Tags: ({ exchange }) => exchange.tags?.join(' | ') ?? '',
  ReqHeaders: ({ exchange }) => shown(exchange.request.headers),
  RespHeaders: ({ exchange }) =>
    exchange.response === null ? '' : shown(exchange.response.headers),
}

/** The names that may stand in an access-log format. */
export const ACCESS_VARIABLES: readonly string[] = Object.keys(VARIABLES)

/** The line of one request by a format of the configuration. */
export type AccessFormat = (
  exchange: Exchange,
  asked: AskedRequest,
  end: ExchangeEnd,
  at: Date,
) => string

/** The names of variables in a format that there are not. */
export function unknownVariables(format: string): string[] {
  return [...format.matchAll(VARIABLE)]
    .map((match) => match[1] ?? '')
    .filter((name) => !Object.hasOwn(VARIABLES, name))
}

/** Compiles a format such as `[{{Time}}] {{Method}} {{URI}} {{StatusCode}}`. */
export function compileAccessFormat(format: string): AccessFormat {
  const parts: (string | ((line: Line) => string))[] = []
  let from = 0
  for (const match of format.matchAll(VARIABLE)) {
    parts.push(format.slice(from, match.index), VARIABLES[match[1] ?? ''] ?? '')
    from = match.index + match[0].length
  }
  parts.push(format.slice(from))
  return (exchange, asked, end, at) => {
    const line = { exchange, asked, end, at }
    let text = ''
    for (const part of parts) text += typeof part === 'string' ? part : part(line)
    // Nothing a client sent can begin a second line or move a cursor.
    return `${escapeText(text)}\n`
  }
}

const VARIABLE = /\{\{\s*(\w*)\s*\}\}/g

function cut(text: string): string {
  return text.length > ACCESS_URI_LIMIT ? `${text.slice(0, ACCESS_URI_LIMIT)}...` : text
}

/** `Accept: [a b], Host: [c]`, without what opens doors. */
function shown(headers: Headers): string {
  const byName = new Map<string, string[]>()
  for (let i = 0; i < headers.list.length; i += 2) {
    const name = headers.list[i] as string
    const value = SECRETS.has(name.toLowerCase()) ? '***' : (headers.list[i + 1] as string)
    const values = byName.get(name)
    if (values === undefined) byName.set(name, [value])
    else values.push(value)
  }
  return [...byName].map(([name, values]) => `${name}: [${values.join(' ')}]`).join(', ')
}

/** Easegress writes them out; whoever reads a log would have the keys. */
const SECRETS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
])
