import { Body } from './body.ts'
import { Headers } from './headers.ts'
import type { TunnelOffer } from './tunnel.ts'

/** A response as every step sees it. The engine writes status line and framing; the fields here never carry them. */
export class Response {
  status: number
  headers: Headers
  body: Body
  /** With status 101: the way to the upstream that the client gets. */
  tunnel: TunnelOffer | null = null

  constructor(status: number, headers: Headers = new Headers(), body: Body = Body.none) {
    this.status = status
    this.headers = headers
    this.body = body
  }

  /** A short text answer made by the gateway. */
  static text(status: number, text: string): Response {
    return new Response(
      status,
      new Headers(['content-type', 'text/plain; charset=utf-8']),
      Body.text(text),
    )
  }
}
