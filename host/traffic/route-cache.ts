import type { Request } from '../exchange/request.ts'
import type { RouteResult } from './router.ts'

/** Longer keys are not kept: clients choose them. */
export const MAX_ROUTE_KEY_LENGTH = 512

/** What the router found for host, method and path; those used longest ago go first. */
export class RouteCache {
  readonly #size: number
  readonly #results = new Map<string, RouteResult>()

  constructor(size: number) {
    this.#size = size
  }

  get(request: Request): RouteResult | undefined {
    const key = keyOf(request)
    const result = this.#results.get(key)
    if (result === undefined) return undefined
    // A Map keeps the order of insertion: the first key is the one used longest ago.
    this.#results.delete(key)
    this.#results.set(key, result)
    return result
  }

  put(request: Request, result: RouteResult): void {
    const key = keyOf(request)
    if (key.length > MAX_ROUTE_KEY_LENGTH) return
    this.#results.set(key, result)
    if (this.#results.size <= this.#size) return
    for (const oldest of this.#results.keys()) {
      this.#results.delete(oldest)
      break
    }
  }

  get length(): number {
    return this.#results.size
  }
}

function keyOf({ host, method, path }: Request): string {
  // A blank stands in none of the three.
  return `${method} ${host} ${path}`
}
