// A server in a process of its own, so that what an attack costs it can be told from what it costs the attacker:
//
//   fork('flooded-server.ts', [ENGINE]) ──▶ { port }, and for each message { cpuMs, rssBytes, handled, connections }
import { httpEngine } from '../../../host/http/engines.ts'
import { listenSecure } from '../tls/listener.ts'

/** What the server has needed so far. */
export interface ServerCost {
  readonly cpuMs: number
  readonly rssBytes: number
  /** Requests that reached the handler. */
  readonly handled: number
  readonly connections: number
}

let handled = 0
const server = await listenSecure(
  httpEngine(process.argv[2] ?? ''),
  async (exchange) => {
    handled += 1
    try {
      if (exchange.request.method === 'POST') await exchange.request.body.collect()
    } catch {
      // The client has reset the request: nobody waits for the answer.
    }
    exchange.reply(200, '200')
  },
  undefined,
  { headerTimeoutMs: 2_000 },
)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const cost: ServerCost = {
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    handled,
    connections: server.connections,
  }
  process.send?.(cost)
})
process.on('disconnect', () => process.exit())
process.send?.({ port: server.port })
