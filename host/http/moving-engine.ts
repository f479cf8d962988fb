import { listenNear } from '../free-port.ts'
import type { HttpEngine } from './engine.ts'

/** A server that listens elsewhere than it was told. */
export interface MovedServer {
  readonly server: string
  readonly wanted: number
  readonly port: number
}

/**
 * An engine whose listeners take the next free port when theirs is taken, and say so: for a developer's
 * machine, where a second copy is no mistake.
 */
export function movingEngine(
  engine: HttpEngine,
  onMoved: (moved: MovedServer) => void,
): HttpEngine {
  return {
    name: engine.name,
    createClient: (options) => engine.createClient(options),
    listen: async (options, handler) => {
      const server = await listenNear(options.port, (port) =>
        engine.listen({ ...options, port }, handler),
      )
      if (options.port !== 0 && server.port !== options.port) {
        onMoved({ server: options.name, wanted: options.port, port: server.port })
      }
      return server
    },
  }
}
