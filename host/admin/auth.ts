import { createHash, timingSafeEqual } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import { FAILURE_WINDOW_MS, MAX_AUTH_FAILURES, MAX_FAILURE_ADDRESSES } from './limits.ts'

interface Failures {
  count: number
  readonly sinceMs: number
}

/**
 * Checks the bearer token of a request and slows down whoever tries wrong ones.
 *
 * The right token is taken even from an address that must wait. It has 256 random bits, so the waiting
 * protects the log and the processor rather than the token, and everybody on this machine has the same
 * address: one stale script must not lock the operator out.
 */
export class Authenticator {
  readonly #digest: Buffer
  readonly #now: () => number
  /** By address; the oldest first, because a window that begins anew is inserted anew. */
  readonly #failures = new Map<string, Failures>()

  /** `now` counts milliseconds on a monotonic clock. */
  constructor(token: string, now: () => number = () => performance.now()) {
    this.#digest = digest(token)
    this.#now = now
  }

  /** Throws ADMIN_UNAUTHORIZED, or ADMIN_RATE_LIMITED after too many wrong tokens. */
  check(authorization: string | undefined, address: string): void {
    if (this.#isValid(authorization)) return
    // A missing token guesses nothing and is not counted.
    if (authorization !== undefined) this.#countFailure(address)
    throw new GatewayError('ADMIN_UNAUTHORIZED', {})
  }

  #isValid(authorization: string | undefined): boolean {
    const token = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1]
    // Digests have one length, so that the comparison tells nothing about the length either.
    return token !== undefined && timingSafeEqual(digest(token), this.#digest)
  }

  #countFailure(address: string): void {
    const now = this.#now()
    let failures = this.#failures.get(address)
    if (failures === undefined || now - failures.sinceMs >= FAILURE_WINDOW_MS) {
      this.#failures.delete(address)
      failures = { count: 0, sinceMs: now }
      this.#failures.set(address, failures)
      this.#forgetOldest()
    }
    failures.count += 1
    if (failures.count <= MAX_AUTH_FAILURES) return
    const waitMs = failures.sinceMs + FAILURE_WINDOW_MS - now
    throw new GatewayError('ADMIN_RATE_LIMITED', { seconds: Math.max(1, Math.ceil(waitMs / 1000)) })
  }

  #forgetOldest(): void {
    for (const address of this.#failures.keys()) {
      if (this.#failures.size <= MAX_FAILURE_ADDRESSES) return
      this.#failures.delete(address)
    }
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
