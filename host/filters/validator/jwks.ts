import type { JSONWebKeySet } from 'jose'
import { type Clock, systemClock } from '../../clock.ts'
import { isJsonObject } from '../../config/json.ts'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import type { FilterEnv } from '../env.ts'
import { OutboundCall } from '../outbound-call.ts'

/** How long a set of keys is used before it is asked for again. */
export const JWKS_FRESH_MS = 5 * 60_000
/** After a failure, the time until the next try; keys that are there are used meanwhile. */
export const JWKS_RETRY_MS = 1_000
const MAX_JWKS_BYTES = 256 * 1024
const TIMEOUT_MS = 5_000

/** A set of keys behind a URL (RFC 7517): asked for once, kept, and refreshed while the old one serves. */
export class Jwks {
  readonly #call: OutboundCall
  readonly #url: string
  readonly #clock: Clock
  #keys: JSONWebKeySet | null = null
  #dueMs = 0
  #failure: GatewayError | null = null
  #running: Promise<JSONWebKeySet> | null = null

  constructor(url: string, env: FilterEnv, clock: Clock = systemClock) {
    this.#call = new OutboundCall(url, env)
    this.#url = url
    this.#clock = clock
  }

  /** Fails with JWKS_FETCH when there has never been a set. */
  readonly get = async (): Promise<JSONWebKeySet> => {
    const isDue = this.#clock.monotonicMs() >= this.#dueMs
    if (!isDue && this.#keys !== null) return this.#keys
    // Requests must not ask a server again and again that has failed a moment ago.
    if (!isDue && this.#failure !== null) throw this.#failure
    this.#running ??= this.#fetch().finally(() => {
      this.#running = null
    })
    if (this.#keys === null) return this.#running
    // The former keys serve until the new ones are there.
    this.#running.catch(() => undefined)
    return this.#keys
  }

  close(): void {
    this.#call.close()
  }

  async #fetch(): Promise<JSONWebKeySet> {
    try {
      const request = {
        method: 'GET',
        headers: ['Accept', 'application/json'],
        body: Buffer.alloc(0),
      }
      const answer = await this.#call.send(request, MAX_JWKS_BYTES, TIMEOUT_MS, null)
      if (answer.status !== 200) throw this.#failed(`status ${answer.status}`)
      const data: unknown = JSON.parse(answer.body.toString('utf8'))
      if (!isJsonObject(data) || !Array.isArray(data['keys'])) throw this.#failed('no set of keys')
      // jose checks each key when it is used.
      this.#keys = { keys: data['keys'] } as unknown as JSONWebKeySet
      this.#failure = null
      this.#dueMs = this.#clock.monotonicMs() + JWKS_FRESH_MS
      return this.#keys
    } catch (error) {
      this.#dueMs = this.#clock.monotonicMs() + JWKS_RETRY_MS
      this.#failure = isGatewayError(error, 'JWKS_FETCH') ? error : this.#failed(reasonOf(error))
      throw this.#failure
    }
  }

  #failed(reason: string): GatewayError {
    return new GatewayError('JWKS_FETCH', { url: this.#url, reason })
  }
}
