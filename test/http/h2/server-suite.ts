import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type {
  ExchangeHandler,
  HttpEngine,
  HttpServer,
  ServerLimits,
} from '../../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import type { ServerTls } from '../../../host/http/tls/server-tls.ts'
import { authority } from '../../support/pki.ts'
import { type Suite, suite } from '../../support/suite.ts'
import { listenSecure, tlsOf } from '../tls/listener.ts'

type SessionOptions = Parameters<typeof connect>[1]

/** A server of an engine for one test, and sessions that end after it. */
export interface Http2Rig {
  readonly engine: HttpEngine
  /** The one that listens. */
  server(): HttpServer
  listen(handler: ExchangeHandler, limits?: Partial<ServerLimits>, tls?: ServerTls): Promise<void>
  /** Takes a server that was started otherwise as the one that listens. */
  use(server: HttpServer): void
  open(options?: SessionOptions): ClientHttp2Session
}

/** The same tests for HTTP/2 before every engine, each with a suite of its own. */
export function forEachHttp2(name: string, define: (test: Suite, rig: Http2Rig) => void): void {
  for (const engine of HTTP_ENGINES) {
    const test = suite(`http/h2/server/${name}/${engine.name}`)
    let server: HttpServer
    const sessions: ClientHttp2Session[] = []
    test.after.each(async () => {
      for (const session of sessions.splice(0)) session.destroy()
      await server.close(0)
    })
    define(test, {
      engine,
      server: () => server,
      listen: async (handler, limits = {}, tls = tlsOf()) => {
        server = await listenSecure(engine, handler, tls, limits)
      },
      use: (started) => {
        server = started
      },
      open: (options = {}) => {
        const session = connect(`https://localhost:${server.port}`, {
          ca: authority('ca'),
          ...options,
        })
        session.on('error', () => session.destroy())
        sessions.push(session)
        return session
      },
    })
  }
}

/** An answer over HTTP/2, with the fields as Node has them. */
export interface Http2Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly trailers: Readonly<Record<string, unknown>>
}

/** The whole answer to a request; fails when it breaks off. */
export async function answerOf(request: ClientHttp2Stream): Promise<Http2Answer> {
  let trailers: Readonly<Record<string, unknown>> = {}
  const chunks: Buffer[] = []
  request.on('trailers', (fields) => {
    trailers = fields
  })
  return await new Promise((resolve, reject) => {
    let head: Readonly<Record<string, unknown>> = {}
    let isEnded = false
    const finish = (): void =>
      resolve({
        status: Number(head[':status']),
        headers: head,
        body: Buffer.concat(chunks).toString(),
        trailers,
      })
    request.on('response', (fields) => {
      head = fields
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      isEnded = true
      finish()
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!isEnded) reject(new Error(`closed with ${request.rstCode}`))
    })
  })
}

/** What a request fails with. */
export async function failureOf(request: ClientHttp2Stream): Promise<unknown[]> {
  request.resume()
  return await once(request, 'error')
}
