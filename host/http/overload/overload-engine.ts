import type { HttpEngine } from '../engine.ts'
import type { Overload } from './overload.ts'

/** An engine whose listeners take on less while `overload` says so. */
export function overloadEngine(engine: HttpEngine, overload: Overload): HttpEngine {
  return {
    name: engine.name,
    createClient: (options) => engine.createClient(options),
    listen: (options, handler) => engine.listen({ ...options, overload }, handler),
  }
}
