import { monotonicMs } from '../clock.ts'
import { cookieOf } from '../exchange/cookies.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { clfTime, localTime } from './local-time.ts'
import { type PathParams, paramOf } from './path-params.ts'
import { queryValueOf } from './query-value.ts'

/** What a variable is worth for an exchange; "" when it has no value. */
type Variable = (exchange: Exchange, params: PathParams | null) => string

/** A text with variables of nginx, ready to be filled in. */
export type VariableText = (exchange: Exchange, params: PathParams | null) => string

/**
 * Compiles `$name`, `${name}` and `${name:default}`. A name that is no variable is a parameter of the path;
 * one that is not there either is worth nothing, or its default.
 */
export function compileVariables(text: string): VariableText {
  const parts: (string | VariableText)[] = []
  let from = 0
  for (const match of text.matchAll(VARIABLE)) {
    parts.push(text.slice(from, match.index))
    from = match.index + match[0].length
    const variable = variableOf(match[1] ?? match[3] ?? '')
    const fallback = match[2] ?? ''
    parts.push((exchange, params) => variable(exchange, params) || fallback)
  }
  parts.push(text.slice(from))
  const [only] = parts
  if (parts.length === 1 && typeof only === 'string') return () => only
  return (exchange, params) => {
    let filled = ''
    for (const part of parts) filled += typeof part === 'string' ? part : part(exchange, params)
    return filled
  }
}

const VARIABLE = /\$\{([^}:]+)(?::([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)/g

function variableOf(name: string): Variable {
  const known = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined
  if (known !== undefined) return known
  if (name.startsWith('http_')) {
    const header = name.slice('http_'.length).replaceAll('_', '-').toLowerCase()
    return ({ request }) => request.headers.get(header) ?? ''
  }
  if (name.startsWith('arg_')) {
    const key = name.slice('arg_'.length)
    return ({ request }) => queryValueOf(request.query, key) ?? ''
  }
  if (name.startsWith('cookie_')) {
    const key = name.slice('cookie_'.length)
    return ({ request }) => cookieOf(request.headers, key) ?? ''
  }
  return (_, params) => paramOf(params, name) ?? ''
}

const host: Variable = ({ request }) => request.host.replace(/:\d*$/, '')
const query: Variable = ({ request }) => request.query
const contentLength: Variable = ({ request }) => {
  const { announcedLength } = request.body
  return announcedLength > 0 ? String(announcedLength) : ''
}

const VARIABLES: Readonly<Record<string, Variable>> = {
  args: query,
  content_length: contentLength,
  content_type: ({ request }) => request.headers.get('content-type') ?? '',
  host,
  hostname: host,
  http_host: ({ request }) => request.host,
  msec: () => String(Date.now()),
  proxy_add_x_forwarded_for: ({ request }) => {
    const former = request.headers.getAll('x-forwarded-for').join(', ')
    return former === '' ? request.remoteAddress : `${former}, ${request.remoteAddress}`
  },
  query_string: query,
  remote_addr: ({ request }) => request.remoteAddress,
  remote_user: ({ request }) => basicUser(request.headers.get('authorization') ?? ''),
  request: ({ request }) => `${request.method} ${request.target} HTTP/${request.httpVersion}`,
  request_length: (exchange, params) => contentLength(exchange, params) || '0',
  request_method: ({ request }) => request.method,
  request_time: ({ startedAtMs }) => ((monotonicMs() - startedAtMs) / 1000).toFixed(3),
  request_uri: ({ request }) => request.target,
  scheme: ({ request }) => request.scheme,
  server_name: host,
  server_protocol: ({ request }) => `HTTP/${request.httpVersion}`,
  time_iso8601: () => localTime(new Date()),
  time_local: () => clfTime(new Date()),
  uri: ({ request }) => request.decodedPath,
}

function basicUser(authorization: string): string {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? '' : text.slice(0, colon)
}
