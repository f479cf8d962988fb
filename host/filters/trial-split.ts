import { cookieOf } from '../exchange/cookies.ts'
import type { Request } from '../exchange/request.ts'
import { fnv32, mix32 } from '../upstream/hash.ts'
import type { Canary } from '../wasm/rollout/canary.ts'
import { parseSticky, type Sticky } from '../wasm/rollout/sticky.ts'

/** Places a client can have on the scale. */
const PLACES = 2 ** 32

/**
 * Which clients a version on trial gets. A client has a fixed place on a scale, different for each module on
 * trial, and the trial gets the places below its share: so a share that grows keeps those it had.
 */
export class TrialSplit {
  readonly percent: number
  readonly #sticky: Sticky
  readonly #salt: number
  readonly #threshold: number

  constructor({ digest, percent, sticky }: Pick<Canary, 'digest' | 'percent' | 'sticky'>) {
    this.percent = percent
    this.#sticky = parseSticky(sticky)
    // Mixed in as a number: a text made of both would be one more allocation per request.
    this.#salt = fnv32(digest)
    this.#threshold = Math.round((percent / 100) * PLACES)
  }

  isOnTrial(request: Request): boolean {
    return mix32(fnv32(this.#keyOf(request)) ^ this.#salt) < this.#threshold
  }

  /** Who has no such header or cookie is told apart by address. */
  #keyOf(request: Request): string {
    const { by, name } = this.#sticky
    if (by === 'header') return request.headers.get(name) ?? request.remoteAddress
    if (by === 'cookie') return cookieOf(request.headers, name) ?? request.remoteAddress
    return request.remoteAddress
  }
}
