import { GatewayError } from '../errors.ts'
import type { Request } from '../exchange/request.ts'
import { type BodyListener, tapBody } from '../upstream/body-tap.ts'

/**
 * Holds the body of a request to `maxBytes`. False when it is known to be larger. One whose length is not
 * announced breaks off where it crosses the limit: whoever reads it fails with REQUEST_BODY_TOO_LARGE.
 */
export function limitRequest(request: Request, maxBytes: number): boolean {
  const { body } = request
  if (maxBytes < 0) return true
  const length = body.isWhole ? body.whole().length : body.announcedLength
  if (length > maxBytes) return false
  if (length < 0) request.body = tapBody(body, new Counter(maxBytes))
  return true
}

class Counter implements BodyListener {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  onChunk(chunk: Buffer): Error | null {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#maxBytes) return null
    return new GatewayError('REQUEST_BODY_TOO_LARGE', { limit: this.#maxBytes })
  }

  onEnd(): void {
    // It was small enough.
  }

  onFail(): void {
    // Whoever reads the body learns it.
  }
}
