import { isIP, type OnReadOpts } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { UpstreamTls } from './upstream-tls.ts'

/** Keeps the newest TLS session with one origin, so that the next connection costs one turn less and no signature. */
export class SessionKeeper {
  #session: Buffer | null = null

  get session(): Buffer | null {
    return this.#session
  }

  /** Keeps what `socket` is given; of a peer that was not verified only when that was not asked for. */
  watch(socket: TLSSocket, tls: UpstreamTls): void {
    socket.on('session', (session) => {
      if (socket.authorized || !tls.settings.isVerified) this.#session = session
    })
  }
}

interface BelowOptions {
  readonly noDelay: boolean
  readonly allowHalfOpen: boolean
  readonly onread?: OnReadOpts
}

/** Opens a connection to `host` (a name or an address without brackets) that speaks one of `protocols`. */
export function dialSecure(
  tls: UpstreamTls,
  host: string,
  port: number,
  protocols: readonly string[],
  sessions: SessionKeeper,
  onread: OnReadOpts | null = null,
): TLSSocket {
  const { session } = sessions
  // The types of Node leave out what goes on to the socket below.
  const options: ConnectionOptions & BelowOptions = {
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    servername: serverNameOf(tls, host),
    secureContext: tls.context,
    rejectUnauthorized: tls.settings.isVerified,
    ALPNProtocols: [...protocols],
    ...(session === null ? {} : { session }),
    ...(onread === null ? {} : { onread }),
  }
  const socket = connect(options)
  sessions.watch(socket, tls)
  return socket
}

/** An address is no name: it is checked against the certificate, and not sent (RFC 6066, section 3). */
export function serverNameOf(tls: UpstreamTls, host: string): string {
  const { serverName } = tls.settings
  if (serverName !== '') return serverName
  return isIP(host) === 0 ? host : ''
}
