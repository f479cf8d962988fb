import { GatewayError } from '../errors.ts'
import type { HttpEngine } from './engine.ts'
import { nativeEngine } from './native/engine.ts'
import { nodeEngine } from './node/engine.ts'

/** Every HTTP engine, the default first. */
export const HTTP_ENGINES: readonly HttpEngine[] = [nativeEngine, nodeEngine]

/** The engine of this name; fails with HTTP_ENGINE. */
export function httpEngine(name: string): HttpEngine {
  const engine = HTTP_ENGINES.find((candidate) => candidate.name === name)
  if (engine === undefined) {
    throw new GatewayError('HTTP_ENGINE', {
      name,
      known: HTTP_ENGINES.map((candidate) => candidate.name).join(', '),
    })
  }
  return engine
}
