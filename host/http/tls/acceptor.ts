import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import type { CertificatePair } from './certificate.ts'
import { peekHello } from './peek-hello.ts'
import type { ServerTls } from './server-tls.ts'

/** Time for a handshake; past it the connection is cut. */
export const HANDSHAKE_TIMEOUT_MS = 5_000

/** What an authority offers as its only protocol when it checks a name (RFC 8737, section 6.2). */
const ACME_PROTOCOL = 'acme-tls/1'

/** The handshake of a client is over. */
export type SecureListener = (socket: TLSSocket, isHttp2: boolean) => void

/**
 * Turns accepted sockets into TLS sockets, by certificates that can be replaced at any time: handshakes under
 * way end with those they began with, and open connections notice nothing.
 *
 * It is Node's TLS server without a listening socket: so the same listener can serve plain connections before
 * and TLS after a change, and an engine counts connections in one place.
 */
export class TlsAcceptor {
  readonly #onSecure: SecureListener
  readonly #open: Set<Socket> = new Set()
  #secured = 0
  #tls: ServerTls
  #server: Server
  /** Sessions that were opened before a change of certificates can be taken up after it. */
  #ticketKeys: Buffer = randomBytes(48)

  constructor(tls: ServerTls, onSecure: SecureListener) {
    this.#onSecure = onSecure
    this.#tls = tls
    this.#server = this.#createServer(tls)
  }

  /** Handshakes under way. */
  get pending(): number {
    return Math.max(this.#open.size - this.#secured, 0)
  }

  /** Starts a handshake on a socket nobody has read from. */
  accept(raw: Socket): void {
    this.#open.add(raw)
    raw.once('close', () => this.#open.delete(raw))
    // Node listens while the handshake runs, and nobody may be without a listener before and after.
    raw.on('error', () => raw.destroy())
    // An authority that checks a name is told apart by its first message, before a certificate is chosen:
    // Node asks for the certificate first, and other clients must not see the one for the check.
    if (this.#tls.live?.hasChallenges === true) this.#acceptPeeking(raw)
    else this.#server.emit('connection', raw)
  }

  #acceptPeeking(raw: Socket): void {
    peekHello(raw, HANDSHAKE_TIMEOUT_MS, (hello) => {
      const isCheck = hello?.protocols.length === 1 && hello.protocols[0] === ACME_PROTOCOL
      const pair = isCheck ? (this.#tls.live?.challengeFor(hello.serverName) ?? null) : null
      if (pair === null) this.#server.emit('connection', raw)
      else createChallengeServer(pair).emit('connection', raw)
    })
  }

  /** New connections use `tls`. */
  update(tls: ServerTls): void {
    if (tls.digest === this.#tls.digest) return
    // Whoever resumes a session shows no certificate: with other authorities that must not be enough.
    if (tls.trust !== this.#tls.trust) this.#ticketKeys = randomBytes(48)
    this.#tls = tls
    this.#server = this.#createServer(tls)
  }

  /** Cuts every connection, handshakes under way included. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #createServer(tls: ServerTls): Server {
    const { certificates, clientCa, http2, minVersion } = tls.settings
    const asksForCertificate = clientCa !== null
    const first = certificates[0]
    const server = createServer({
      // For clients that name no host; Node makes a context of its own from it.
      ...(first === undefined ? {} : { cert: first.cert, key: first.key }),
      ...(asksForCertificate ? { ca: clientCa } : {}),
      minVersion,
      maxVersion: 'TLSv1.3',
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
      ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ticketKeys: this.#ticketKeys,
      // We decide what it means that a client ends its side.
      allowHalfOpen: true,
      SNICallback: (name, done) => done(null, contextOf(tls, name)),
    })
    server.on('secureConnection', (socket) => this.#secure(socket))
    // The sockets of failed handshakes: the client has got an alert, if it could be told at all.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    return server
  }

  #secure(socket: TLSSocket): void {
    this.#secured += 1
    socket.once('close', () => {
      this.#secured -= 1
    })
    socket.on('error', () => socket.destroy())
    this.#onSecure(socket, socket.alpnProtocol === 'h2')
  }
}

/** Shows one certificate to who checks a name; the handshake is all there is to it (RFC 8737, section 3). */
function createChallengeServer({ cert, key }: CertificatePair): Server {
  const server = createServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: [ACME_PROTOCOL],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
    socket.destroySoon()
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

/**
 * What a callback of the handshake throws would end the process (CVE-2026-21637). Without a certificate the
 * handshake fails with an alert.
 */
function contextOf(tls: ServerTls, name: string): SecureContext | undefined {
  try {
    return tls.contextFor(name) ?? undefined
  } catch {
    return tls.fallback ?? undefined
  }
}
