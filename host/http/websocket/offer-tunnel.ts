import { Body, type BodySource } from '../../exchange/body.ts'
import type { Response } from '../../exchange/response.ts'
import type { TunnelPeer } from '../../exchange/tunnel.ts'

/** Hands over `peer`, the upstream's side of a tunnel, with an answer of status 101. */
export function offerTunnel(response: Response, peer: TunnelPeer): void {
  response.body = Body.stream(new TunnelHold(peer))
  response.tunnel = {
    peer,
    hasExtensions: false,
    clientMaxMessageBytes: -1,
    serverMaxMessageBytes: -1,
  }
}

/**
 * The body of such an answer: it has no bytes, but whoever drops the answer cancels it, and with it the
 * connection that nobody gets.
 */
class TunnelHold implements BodySource {
  readonly #peer: TunnelPeer

  constructor(peer: TunnelPeer) {
    this.#peer = peer
  }

  resume(): undefined {
    return undefined
  }

  pause(): undefined {
    return undefined
  }

  cancel(): void {
    this.#peer.destroy()
  }
}
