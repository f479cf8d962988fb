import type { Exchange } from '../../../host/exchange/exchange.ts'
import type { HttpEngine, HttpServer } from '../../../host/http/engine.ts'
import { assert } from '../../support/suite.ts'
import { engineSuites, type Register } from '../engine-tests.ts'
import { listenSecure } from '../tls/listener.ts'
import { FrameClient, get } from './frames.ts'

/** A request that reached the handler. */
interface Handled {
  readonly path: string
  readonly fields: readonly string[]
  isAborted: boolean
}

/** A server that answers every request with 200, a POST once its body is here, and clients that send frames. */
class CaseRig {
  handled: Handled[] = []
  /** Of the last POST. */
  trailers: readonly string[] | null = null
  #server: HttpServer | null = null
  #client: FrameClient | null = null
  readonly #opened: FrameClient[] = []

  get server(): HttpServer {
    if (this.#server === null) throw new Error('the server does not listen')
    return this.#server
  }

  /** The one that was opened last. */
  get client(): FrameClient {
    if (this.#client === null) throw new Error('no client is open')
    return this.#client
  }

  async open(isSilent = false): Promise<void> {
    this.#client = await FrameClient.open(this.server.port, isSilent)
    this.#opened.push(this.#client)
  }

  /** What becomes of one request with these fields. */
  async outcomeOf(fields: readonly (readonly [string, string])[]): Promise<string> {
    return await this.client.head(1, fields).outcome()
  }

  /** Another client is served while whatever happens here happens. */
  async othersAreServed(): Promise<void> {
    const other = await FrameClient.open(this.server.port)
    assert.is(await other.head(1, get()).outcome(), 'answer 200')
    other.close()
  }

  async start(engine: HttpEngine): Promise<void> {
    this.#server = await listenSecure(
      engine,
      (exchange) =>
        this.#answer(exchange).catch(() => {
          exchange.reply(502, '502')
        }),
      undefined,
      { headerTimeoutMs: 2_000 },
    )
  }

  /** Before every test: a client that nobody has used. */
  async renew(): Promise<void> {
    this.handled = []
    this.trailers = null
    await this.open()
  }

  closeClients(): void {
    for (const one of this.#opened.splice(0)) one.close()
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { request } = exchange
    const seen = { path: request.path, fields: request.headers.list, isAborted: false }
    this.handled.push(seen)
    exchange.onAbort(() => {
      seen.isAborted = true
    })
    if (request.method === 'POST') {
      await request.body.collect()
      this.trailers = request.body.trailers
    }
    exchange.reply(200, '200')
  }
}

/** A suite of cases for each engine, with its server and, for each test, a client: `rig` is that of the running one. */
export function caseSuite(name: string): { readonly test: Register; readonly rig: CaseRig } {
  const rig = new CaseRig()
  const test = engineSuites(name, (one, engine) => {
    one.before(() => rig.start(engine))
    one.after(() => rig.server.close(0))
    one.before.each(() => rig.renew())
    one.after.each(() => rig.closeClients())
  })
  return { test, rig }
}
