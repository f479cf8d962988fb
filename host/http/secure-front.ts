import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ClientTls } from '../exchange/client-tls.ts'
import type { ExchangeHandler } from './engine.ts'
import type { FullLimits } from './full-limits.ts'
import { type H2Host, H2Session } from './h2/server-session.ts'
import type { Overload } from './overload/overload.ts'
import { TlsAcceptor } from './tls/acceptor.ts'
import { ClientSession } from './tls/client-session.ts'
import type { ServerTls } from './tls/server-tls.ts'

/** The server of an engine, as far as its TLS side is concerned. */
export interface FrontOwner {
  readonly name: string
  readonly handler: ExchangeHandler
  readonly limits: FullLimits
  readonly overload: Overload
  /** Connections are not kept, so that there are fewer. */
  readonly isCrowded: boolean
  /** A client speaks HTTP/1.1 over `socket`. */
  serveSecure(socket: TLSSocket, tls: ClientTls): void
  /** A connection that only the front knew is gone. */
  onSessionClosed(): void
}

/**
 * What stands before an engine's HTTP/1.1 on a TLS listener, the same for every engine: handshakes, and the
 * connections that speak HTTP/2. While it has no certificates it lets every socket pass.
 */
export class SecureFront implements H2Host {
  readonly #owner: FrontOwner
  readonly #sessions: Set<H2Session> = new Set()
  #acceptor: TlsAcceptor | null = null
  /** False again once TLS is turned off; handshakes that had begun go on. */
  #isSecure = false
  #isClosing = false

  constructor(owner: FrontOwner, tls: ServerTls | null) {
    this.#owner = owner
    this.update(tls)
  }

  get name(): string {
    return this.#owner.name
  }

  get handler(): ExchangeHandler {
    return this.#owner.handler
  }

  get limits(): FullLimits {
    return this.#owner.limits
  }

  get overload(): Overload {
    return this.#owner.overload
  }

  get isCrowded(): boolean {
    return this.#owner.isCrowded
  }

  /** Handshakes under way and HTTP/2 connections: those the owner does not count. */
  get connections(): number {
    return this.#sessions.size + (this.#acceptor?.pending ?? 0)
  }

  /** HTTP/2 connections that are open. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** New connections speak TLS with these certificates, or none. */
  update(tls: ServerTls | null): void {
    this.#isSecure = tls !== null
    if (tls === null) return
    if (this.#acceptor !== null) this.#acceptor.update(tls)
    else this.#acceptor = new TlsAcceptor(tls, (socket, isHttp2) => this.#onSecure(socket, isHttp2))
  }

  /** Takes `socket` over when this listener speaks TLS; false leaves it to the owner. */
  accept(socket: Socket): boolean {
    if (!this.#isSecure || this.#acceptor === null) return false
    this.#acceptor.accept(socket)
    return true
  }

  /** True when a plain answer would mean nothing to who is connecting. */
  get isSecure(): boolean {
    return this.#isSecure
  }

  tick(nowMs: number): void {
    for (const session of this.#sessions) session.tick(nowMs)
  }

  /** Every HTTP/2 client is told to go elsewhere (GOAWAY); requests under way end, and so do their connections. */
  closeGracefully(): void {
    this.#isClosing = true
    for (const session of this.#sessions) session.closeGracefully()
  }

  /** Cuts every HTTP/2 connection and every handshake, and what else came through them. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy()
    this.#acceptor?.destroy()
  }

  removeSession(session: H2Session): void {
    this.#sessions.delete(session)
    this.#owner.onSessionClosed()
  }

  #onSecure(socket: TLSSocket, isHttp2: boolean): void {
    if (this.#isClosing) socket.destroy()
    else if (isHttp2) this.#sessions.add(new H2Session(this, socket))
    else this.#owner.serveSecure(socket, new ClientSession(socket))
  }
}
