import { GatewayError } from '../errors.ts'
import type { Route } from './route.ts'

export interface RouteMatch {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

interface CompiledRoute {
  readonly route: Route
  /** Lengths differ: no match. A placeholder has its name here, a fixed segment null. */
  readonly names: readonly (string | null)[]
  readonly segments: readonly string[]
}

/** Finds the route of a request among a literal list. Paths are short and few: a scan is fast enough. */
export class Router {
  readonly #routes: readonly CompiledRoute[]

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map(compile)
  }

  /**
   * `path` is the target without its query. Throws ADMIN_NOT_FOUND, or ADMIN_METHOD when only the method
   * differs. A trailing slash is ignored, and HEAD is answered like GET, without a body.
   */
  match(method: string, path: string): RouteMatch {
    const segments = split(path)
    const asked = method === 'HEAD' ? 'GET' : method
    const allowed = new Set<string>()
    for (const candidate of this.#routes) {
      const params = matchSegments(candidate, segments)
      if (params === null) continue
      if (candidate.route.method === asked) return { route: candidate.route, params }
      allowed.add(candidate.route.method)
      if (candidate.route.method === 'GET') allowed.add('HEAD')
    }
    if (allowed.size === 0) throw new GatewayError('ADMIN_NOT_FOUND', { what: `path ${path}` })
    throw new GatewayError('ADMIN_METHOD', { method, path, allowed: [...allowed].join(', ') })
  }
}

function compile(route: Route): CompiledRoute {
  const segments = split(route.path)
  const names = segments.map((segment) => /^\{(\w+)\}$/.exec(segment)?.[1] ?? null)
  return { route, names, segments }
}

function split(path: string): string[] {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? [] : trimmed.slice(1).split('/')
}

function matchSegments(
  { names, segments }: CompiledRoute,
  seen: readonly string[],
): Record<string, string> | null {
  if (seen.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [index, segment] of seen.entries()) {
    const name = names[index] ?? null
    if (name === null) {
      if (segments[index] !== segment) return null
      continue
    }
    const value = decode(segment)
    if (value === null || value === '') return null
    params[name] = value
  }
  return params
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
