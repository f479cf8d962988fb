import type { Headers } from '../../exchange/headers.ts'
import type { Request } from '../../exchange/request.ts'
import type { Response } from '../../exchange/response.ts'

/** Easegress's fields, and a limit for all entries together; times in milliseconds. */
export interface CacheSpec {
  readonly expiration: number
  readonly maxEntryBytes: number
  readonly codes: readonly number[]
  readonly methods: readonly string[]
  readonly maxTotalBytes: number
}

/** What a request allows. */
export const BYPASS = 0
/** Ask the upstream, and keep its answer. */
export const REFRESH = 1
export const USE = 2

/**
 * May a request be answered from the cache, and may its answer be kept? Not when it carries credentials,
 * asks for a part, has a body, or says no-store. `no-cache` and `max-age=0` ask for a fresh answer.
 */
export function requestRule(request: Request, spec: CacheSpec): number {
  if (!spec.methods.includes(request.method) || !request.body.isEmpty) return BYPASS
  const list = request.headers.list
  let rule = USE
  for (let i = 0; i < list.length; i += 2) {
    switch ((list[i] as string).toLowerCase()) {
      case 'authorization':
      case 'range':
        return BYPASS
      case 'cache-control': {
        const value = (list[i + 1] as string).toLowerCase()
        if (hasDirective(value, 'no-store')) return BYPASS
        const isFreshWanted = hasDirective(value, 'no-cache') || numberOf(value, 'max-age') === 0
        if (isFreshWanted) rule = REFRESH
        break
      }
      case 'pragma':
        if ((list[i + 1] as string).toLowerCase().includes('no-cache')) rule = REFRESH
        break
      default:
    }
  }
  return rule
}

/**
 * For how many milliseconds an answer may be given to others; 0 for not at all (RFC 9111, section 3). It
 * is never kept longer than `expiration`, nor longer than its origin says.
 */
export function freshnessMs(response: Response, spec: CacheSpec, nowMs: number): number {
  const { status, headers } = response
  if (!spec.codes.includes(status) || status === 206 || status === 304) return 0
  if (headers.has('set-cookie') || headers.has('content-range')) return 0
  const vary = headers.getAll('vary').join(',')
  if (vary.includes('*')) return 0
  // An answer for one origin only, which does not say that others get another.
  const origin = headers.get('access-control-allow-origin') ?? '*'
  if (origin !== '*' && !/(?:^|[\s,])origin(?:$|[\s,])/i.test(vary)) return 0
  const control = headers.getAll('cache-control').join(',').toLowerCase()
  for (const directive of ['no-store', 'no-cache', 'private', 'must-revalidate']) {
    if (hasDirective(control, directive)) return 0
  }
  const ageMs = secondsOf(headers.get('age')) * 1_000
  const lifetimeMs = lifetimeOf(control, headers, nowMs)
  return Math.max(0, Math.min(spec.expiration, lifetimeMs - ageMs))
}

/** What the origin allows: s-maxage, else max-age, else Expires, else any time. */
function lifetimeOf(control: string, headers: Headers, nowMs: number): number {
  const seconds = numberOf(control, 's-maxage') ?? numberOf(control, 'max-age')
  if (seconds !== null) return seconds * 1_000
  const expires = headers.get('expires')
  if (expires === undefined) return Number.POSITIVE_INFINITY
  const date = Date.parse(headers.get('date') ?? '')
  const until = Date.parse(expires)
  // A date that cannot be read is in the past (RFC 9111, section 5.3).
  return Number.isNaN(until) ? 0 : until - (Number.isNaN(date) ? nowMs : date)
}

function hasDirective(control: string, name: string): boolean {
  return control.split(',').some((part) => part.split('=', 1)[0]?.trim() === name)
}

function numberOf(control: string, name: string): number | null {
  for (const part of control.split(',')) {
    const [key, value] = part.split('=')
    if (key?.trim() === name) return secondsOf(value?.trim().replaceAll('"', ''))
  }
  return null
}

/** 0 for what is no number: a time that cannot be read must not make anything live longer. */
function secondsOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0
}
