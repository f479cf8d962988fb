import type { HttpEngine } from '../engine.ts'
import { UndiciClient } from './client.ts'
import { NodeServer } from './server.ts'

/** HTTP/1.1 on what Node brings along: its HTTP server and, towards upstreams, undici. */
export const nodeEngine: HttpEngine = {
  name: 'node',
  async listen(options, handler) {
    const server = new NodeServer(options, handler)
    await server.listen(options.address, options.port)
    return server
  },
  createClient: (options) => new UndiciClient(options),
}
