import { GatewayError } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import type { DeadlineEntry, Deadlines } from '../deadlines.ts'
import { isTrailerField } from '../forward.ts'
import type { GatewayRequest } from './message.ts'

/** Who has to answer for a body that does not go well. */
export interface BodyOwner {
  /** The client has sent more than it may. */
  bodyTooLarge(limit: number): void
  /** The client has paused for too long. */
  bodyLate(): void
  /** How much it may send now; -1 for any amount. */
  readonly maxBodyBytes: number
}

/** The body of a request: what Node reads goes to a `Body`, as fast as that is read. */
export class IncomingBody implements BodySource, DeadlineEntry {
  deadlineMs = 0
  previous: DeadlineEntry | null = null
  next: DeadlineEntry | null = null
  deadlines: Deadlines | null = null
  readonly body: Body
  /** All of it was read. */
  isReceived = false
  readonly #owner: BodyOwner
  readonly #req: GatewayRequest
  readonly #idle: Deadlines
  readonly #length: number
  #received = 0
  #isDiscarding = false

  /** Starts reading. `length` is -1 when it is not announced; `idle` limits pauses of the client. */
  constructor(owner: BodyOwner, req: GatewayRequest, length: number, idle: Deadlines) {
    this.#owner = owner
    this.#req = req
    this.#idle = idle
    this.#length = length < 0 ? Number.POSITIVE_INFINITY : length
    this.body = Body.stream(this, length)
    req.incoming = this
    req.on('data', onData)
    req.on('end', onEnd)
    req.on('error', onError)
    idle.add(this)
  }

  /** Bytes that are still to come. */
  get left(): number {
    return this.isReceived ? 0 : this.#length - this.#received
  }

  receive(chunk: Buffer): void {
    if (this.deadlines !== null) this.deadlines.restart(this)
    if (this.#isDiscarding) return
    this.#received += chunk.length
    const limit = this.#owner.maxBodyBytes
    if (limit >= 0 && this.#received > limit) {
      const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
      this.fail(error)
      this.#owner.bodyTooLarge(limit)
    } else this.body.push(chunk)
  }

  receiveEnd(): void {
    this.isReceived = true
    this.deadlines?.remove(this)
    this.body.end(trailersOf(this.#req.rawTrailers))
  }

  /** The rest is not wanted, or will not come: what arrives is dropped. */
  fail(error: Error): void {
    this.body.fail(error)
    this.cancel()
  }

  /** `DeadlineEntry` */
  expire(): void {
    this.#owner.bodyLate()
  }

  pause(): void {
    this.deadlines?.remove(this)
    this.#req.pause()
  }

  resume(): void {
    if (this.deadlines === null && !this.isReceived) this.#idle.add(this)
    this.#req.resume()
  }

  /** Reads on, because the next request stands behind it. */
  cancel(): void {
    this.#isDiscarding = true
    this.resume()
  }

  /** The connection is gone. */
  stop(): void {
    this.isReceived = true
    this.deadlines?.remove(this)
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
