import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Exchange } from '../../../host/exchange/exchange.ts'
import type {
  ExchangeHandler,
  HttpEngine,
  HttpServer,
  ServerLimits,
} from '../../../host/http/engine.ts'
import { ServerTls, type ServerTlsSettings } from '../../../host/http/tls/server-tls.ts'
import { authority, pair } from '../../support/pki.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { WireClient } from '../wire.ts'

/** Settings with the certificates of these names, the first of them the default. */
export function tlsOf(
  names: readonly string[] = ['localhost'],
  more: Partial<ServerTlsSettings> = {},
): ServerTls {
  return new ServerTls({
    certificates: names.map((name) => ({ name, ...pair(name) })),
    clientCa: null,
    minVersion: 'TLSv1.2',
    http2: true,
    ...more,
  })
}

/** A TLS listener on a free port. */
export function listenSecure(
  engine: HttpEngine,
  handler: ExchangeHandler,
  tls: ServerTls = tlsOf(),
  limits: Partial<ServerLimits> = {},
): Promise<HttpServer> {
  return engine.listen(
    { name: 'main', address: '127.0.0.1', port: 0, limits: { ...LIMITS, ...limits }, tls },
    handler,
  )
}

/** Connects to `port` and trusts the tests' authority; fails when the handshake does. */
export async function connectSecure(
  port: number,
  options: ConnectionOptions = {},
): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority('ca'),
    servername: 'localhost',
    ...options,
  })
  await once(socket, 'secureConnect')
  return socket
}

/** The same, as a client that writes bytes and reads answers. */
export async function openSecure(
  port: number,
  options: ConnectionOptions = {},
): Promise<WireClient> {
  return new WireClient(await connectSecure(port, options))
}

export const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Answers with what it knows of the connection. */
export const tellConnection = (exchange: Exchange): void => {
  const { scheme, tls, httpVersion } = exchange.request
  const name = tls?.certificates[0]?.subject.CommonName[0] ?? ''
  exchange.reply(200, `${scheme} ${httpVersion} ${name}`)
}
