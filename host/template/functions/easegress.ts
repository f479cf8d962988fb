import { jsonEscape } from '../json-text.ts'
import { printed } from '../print.ts'
import { runError } from '../template-error.ts'
import { GoObject, type Value } from '../value.ts'
import { fn, mismatch, runFn, type TemplateFunction, textOf } from './define.ts'
import { escapeQuery, unescapeQuery } from './escape.ts'

/** What Easegress adds to Go's functions and to sprig's. */
export const EASEGRESS_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  log: runFn(['text', 'text'], (state, level, message) => {
    const { log } = state
    const line = message.slice(0, MAX_LOG_LENGTH)
    if (level.toLowerCase() === 'debug') log.debug(line)
    else if (level.toLowerCase() === 'info') log.info(line)
    else if (level.toLowerCase() === 'warn') log.warn(line)
    else if (level.toLowerCase() === 'error') log.error(line)
    return ''
  }),
  jsonEscape: fn(['text'], jsonEscape),
  urlQueryEscape: fn(['text'], escapeQuery),
  urlQueryUnescape: fn(['text'], (text) => {
    const plain = unescapeQuery(text)
    if (plain === null) throw runError(`invalid URL escape in "${text}"`)
    return plain
  }),
  host: fn(['text'], (address) => splitHostPort(address)[0]),
  port: fn(['text'], (address) => splitHostPort(address)[1]),
  header: fn(['any', 'text'], (headers, name) => callMethod(headers, 'Get', [name])),
  username: fn(['any'], (request) => {
    return callMethod(request, 'Username', [])
  }),
  panic: fn(['any'], (value) => {
    throw runError(printed(value))
  }),
}

/** Characters of one line that a template logs. */
export const MAX_LOG_LENGTH = 1_000

function callMethod(target: Value, name: string, args: readonly Value[]): string {
  const method = target instanceof GoObject ? target.method(name) : undefined
  if (method === undefined) {
    throw mismatch(name === 'Get' ? 'the headers of a message' : 'a request', target)
  }
  return textOf(method(args))
}

/** Go's net.SplitHostPort: both empty when there is no port. */
function splitHostPort(address: string): readonly [host: string, port: string] {
  const colon = address.lastIndexOf(':')
  if (colon < 0) return ['', '']
  const host = address.slice(0, colon)
  const port = address.slice(colon + 1)
  if (host.startsWith('[') && host.endsWith(']')) return [host.slice(1, -1), port]
  return host.includes(':') || host.includes('[') ? ['', ''] : [host, port]
}
