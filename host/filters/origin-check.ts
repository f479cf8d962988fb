import { compileRegexp, type Regexp } from '../config/regexp.ts'
import type { Request } from '../exchange/request.ts'

/** May a page of the request's Origin open a WebSocket here? */
export type OriginCheck = (request: Request) => boolean

/**
 * Browsers let every page open a WebSocket to every host, with the cookies of that host, and say in Origin
 * which page it was (RFC 6455, section 10.2). Allowed are requests without an Origin, pages of the host that
 * is asked, and hosts that match one of `patterns`, in which `*` stands for any text without a slash and `?`
 * for one character.
 */
export function compileOriginCheck(patterns: readonly string[]): OriginCheck {
  const expressions = patterns.map(compilePattern)
  return (request) => {
    const origins = request.headers.getAll('origin')
    if (origins.length === 0) return true
    const host = origins.length === 1 ? hostOf(origins[0] as string) : null
    if (host === null) return false
    return host === request.host.toLowerCase() || expressions.some((one) => one.test(host))
  }
}

/** The host with its port, in lowercase; null for an origin that names none, such as "null". */
function hostOf(origin: string): string | null {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#@\s]+)$/i.exec(origin)
  return match === null ? null : (match[1] as string).toLowerCase()
}

function compilePattern(pattern: string): Regexp {
  const text = pattern
    .toLowerCase()
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return compileRegexp(`^${text}$`)
}
