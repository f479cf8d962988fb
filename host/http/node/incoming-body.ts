import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import { isTrailerField } from '../forward.ts'
import type { GatewayRequest } from './message.ts'

/** Who has to answer for a body that does not go well. */
export interface BodyOwner {
  /** The client has sent more than it may. */
  bodyTooLarge(limit: number): void
  /** How much it may send now; -1 for any amount. */
  readonly maxBodyBytes: number
}

/** The body of a request: what Node reads goes to a `Body`, as fast as that is read. */
export class IncomingBody implements BodySource {
  readonly body: Body
  /** All of it was read. */
  isReceived = false
  /** Nothing is read, because whoever takes it is full. */
  isPaused = false
  /** Bytes so far. */
  received = 0
  readonly #owner: BodyOwner
  readonly #req: GatewayRequest
  readonly #length: number
  #isDiscarding = false
  #pausedSinceMs = 0
  #pausedMs = 0

  /** Starts reading. `length` is -1 when it is not announced. */
  constructor(owner: BodyOwner, req: GatewayRequest, length: number) {
    this.#owner = owner
    this.#req = req
    this.#length = length < 0 ? Number.POSITIVE_INFINITY : length
    this.body = Body.stream(this, length)
    req.incoming = this
    req.on('data', onData)
    req.on('end', onEnd)
    req.on('error', onError)
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.isReceived ? 0 : this.#length - this.received
  }

  receive(chunk: Buffer): void {
    if (this.#isDiscarding) return
    this.received += chunk.length
    const limit = this.#owner.maxBodyBytes
    if (limit >= 0 && this.received > limit) {
      const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
      this.fail(error)
      this.#owner.bodyTooLarge(limit)
    } else this.body.push(chunk)
  }

  receiveEnd(): void {
    this.isReceived = true
    this.body.end(trailersOf(this.#req.rawTrailers))
  }

  /** The rest is not wanted, or will not come: what arrives is dropped. */
  fail(error: Error): void {
    this.body.fail(error)
    this.cancel()
  }

  pause(): void {
    if (!this.isPaused) this.#pausedSinceMs = monotonicMs()
    this.isPaused = true
    this.#req.pause()
  }

  resume(): void {
    if (this.isPaused) this.#pausedMs += monotonicMs() - this.#pausedSinceMs
    this.isPaused = false
    this.#req.resume()
  }

  /** How long the client had to wait for us since the last call, in milliseconds. */
  takePausedMs(): number {
    const ms = this.#pausedMs
    this.#pausedMs = 0
    return ms
  }

  /** Reads on, because the next request stands behind it. */
  cancel(): void {
    this.#isDiscarding = true
    this.resume()
  }

  /** The connection is gone. */
  stop(): void {
    this.isReceived = true
  }
}

function trailersOf(raw: readonly string[]): string[] | null {
  if (raw.length === 0) return null
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (isTrailerField(raw[i] as string)) kept.push(raw[i] as string, raw[i + 1] as string)
  }
  return kept.length === 0 ? null : kept
}

function onData(this: GatewayRequest, chunk: Buffer): void {
  this.incoming?.receive(chunk)
}

function onEnd(this: GatewayRequest): void {
  this.incoming?.receiveEnd()
}

/** A broken message ends with its socket: `Connection.closed` says so to whom it concerns. */
function onError(): undefined {
  return undefined
}
