import { GatewayError } from '../errors.ts'
import type { Response } from '../exchange/response.ts'
import { type BodyListener, tapBody } from './body-tap.ts'

/**
 * Holds the body of an answer to `maxBytes`. False when it is known to be larger: the body is canceled and
 * nothing of it goes to the client. One whose length is not announced breaks off where it crosses the
 * limit, and the client sees that it is not whole.
 */
export function limitBody(response: Response, maxBytes: number, endpoint: string): boolean {
  const { body } = response
  const length = body.isWhole ? body.whole().length : body.announcedLength
  if (length > maxBytes) {
    body.cancel(tooLarge(endpoint, maxBytes))
    return false
  }
  // The engine holds a body to the length that was announced.
  if (length < 0) response.body = tapBody(body, new Counter(maxBytes, endpoint))
  return true
}

class Counter implements BodyListener {
  readonly #maxBytes: number
  readonly #endpoint: string
  #bytes = 0

  constructor(maxBytes: number, endpoint: string) {
    this.#maxBytes = maxBytes
    this.#endpoint = endpoint
  }

  onChunk(chunk: Buffer): Error | null {
    this.#bytes += chunk.length
    return this.#bytes > this.#maxBytes ? tooLarge(this.#endpoint, this.#maxBytes) : null
  }

  onEnd(): void {
    // It was small enough.
  }

  onFail(): void {
    // Whoever reads the body learns it.
  }
}

function tooLarge(endpoint: string, limit: number): GatewayError {
  return new GatewayError('UPSTREAM_BODY_TOO_LARGE', { endpoint, limit })
}
