import { GatewayError } from '../errors.ts'
import type { CallBody } from './api-client.ts'

/** Hexadecimal digits of a digest that are shown to people. */
const SHOWN_DIGITS = 12

/** `PIPELINE/FILTER`, as commands take it; `what` names the option or argument in the message. */
export function parseFilterTarget(
  text: string | undefined,
  what: string,
): [pipeline: string, filter: string] {
  const [pipeline = '', filter = '', ...more] = (text ?? '').split('/')
  if (pipeline === '' || filter === '' || more.length > 0) {
    const seen = text === undefined ? 'is missing' : `"${text}" is not of that form`
    throw new GatewayError('CLI_USAGE', { reason: `${what} PIPELINE/FILTER: ${seen}` })
  }
  return [pipeline, filter]
}

/** What a command is about: a filter, or a stored plugin. */
export type PluginTarget =
  | { readonly kind: 'filter'; readonly pipeline: string; readonly filter: string }
  | { readonly kind: 'stored'; readonly name: string; readonly version: string | null }

/** `PIPELINE/FILTER`, `NAME` or `NAME@VERSION`; CLI_USAGE for anything else. */
export function parsePluginTarget(text: string | undefined): PluginTarget {
  const seen = text ?? ''
  if (seen.includes('/')) {
    const [pipeline, filter] = parseFilterTarget(seen, 'the argument')
    return { kind: 'filter', pipeline, filter }
  }
  const [name = '', version, ...more] = seen.split('@')
  if (name !== '' && version !== '' && more.length === 0) {
    return { kind: 'stored', name, version: version ?? null }
  }
  throw new GatewayError('CLI_USAGE', {
    reason: `"${seen}" is no plugin: it is PIPELINE/FILTER, NAME or NAME@VERSION`,
  })
}

/** The path of a stored plugin in the admin API. */
export function storedPath(name: string, version: string | null = null): string {
  const path = `/plugin-store/${encodeURIComponent(name)}`
  return version === null ? path : `${path}/${encodeURIComponent(version)}`
}

/** The options that were given, as a query: "" when there are none. */
export function queryOf(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  )
  return given.length === 0 ? '' : `?${given.join('&')}`
}

/** The options that were given, as a JSON body. */
export function bodyOf(fields: Readonly<Record<string, string | undefined>>): CallBody {
  return { type: 'application/json', bytes: JSON.stringify(fields) }
}

/** The path of a filter's plugin in the admin API. */
export function pluginPath(pipeline: string, filter: string): string {
  return `/plugins/${encodeURIComponent(pipeline)}/${encodeURIComponent(filter)}`
}

/** A digest as people compare them. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, SHOWN_DIGITS)
}
