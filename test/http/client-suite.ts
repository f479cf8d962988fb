import type { Socket } from 'node:net'
import { type ErrorCode, isGatewayError } from '../../host/errors.ts'
import { Body } from '../../host/exchange/body.ts'
import type { Exchange } from '../../host/exchange/exchange.ts'
import type { Response } from '../../host/exchange/response.ts'
import type { ClientOptions, HttpClient, UpstreamRequest } from '../../host/http/engine.ts'
import { NativeClient } from '../../host/http/native/client.ts'
import { CLIENT_TUNING } from '../../host/http/native/client-pool.ts'
import { UndiciClient } from '../../host/http/node/client.ts'
import { answerOf } from '../../host/http/promised-answer.ts'
import { type Suite, suite } from '../support/suite.ts'
import { type SeenRequest, startUpstream, type Upstream } from './wire.ts'

/** A client of some engine, and what it does differently by its nature. */
interface ClientKind {
  readonly name: string
  readonly create: (options: ClientOptions) => HttpClient
  /** An unasked-for `100 Continue` before the answer is passed over. */
  readonly takesContinue: boolean
}

const KINDS: readonly ClientKind[] = [
  {
    name: 'undici',
    create: (options) => new UndiciClient(options),
    // undici takes a 100 that nobody asked for as a broken answer.
    takesContinue: false,
  },
  {
    name: 'native',
    create: (options) => new NativeClient(options, CLIENT_TUNING),
    takesContinue: true,
  },
]

/** An upstream and a client for one test. */
export interface ClientRig {
  readonly takesContinue: boolean
  /** The ones that were started last. */
  upstream(): Upstream
  client(): HttpClient
  start(
    onRequest: (socket: Socket, request: SeenRequest, index: number) => void,
    options?: Partial<ClientOptions>,
  ): Promise<void>
  /** The answer to a plain request, or to `request`. */
  send(
    request?: Partial<UpstreamRequest>,
    timeoutMs?: number,
    exchange?: Exchange | null,
  ): Promise<Response>
  /** Closes something after the test, in the order of these calls. */
  closeLater(close: () => Promise<void>): void
}

/** The cases that every HTTP client of an engine must pass, over real sockets. */
export function forEachClient(name: string, define: (test: Suite, rig: ClientRig) => void): void {
  for (const kind of KINDS) {
    const test = suite(`http/client/${name}/${kind.name}`)
    let upstream: Upstream
    let client: HttpClient
    const open: (() => Promise<void>)[] = []
    test.after.each(async () => {
      for (const close of open.splice(0)) await close()
    })
    define(test, {
      takesContinue: kind.takesContinue,
      upstream: () => upstream,
      client: () => client,
      start: async (onRequest, options = {}) => {
        upstream = await startUpstream(onRequest)
        client = kind.create({
          origin: upstream.origin,
          connectTimeoutMs: 20_000,
          maxConnections: 1_024,
          ...options,
        })
        open.push(() => client.close(), upstream.close)
      },
      send: (request = {}, timeoutMs = 20_000, exchange = null) => {
        const plain = { method: 'GET', target: '/', host: 'a', headers: [], body: Body.none }
        return answerOf(client, { ...plain, ...request }, timeoutMs, exchange)
      },
      closeLater: (close) => void open.push(close),
    })
  }
}

/** The code that an answer fails with, or "none". */
export async function codeOf(answer: Promise<unknown>): Promise<ErrorCode | 'none'> {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return isGatewayError(error) ? error.code : 'none'
}

/** The whole body of an answer, or of what it becomes. */
export async function textOf(response: Response): Promise<string> {
  return (await response.body.collect()).latin1Slice()
}

/** The bytes of a plain answer. */
export function reply(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
}
