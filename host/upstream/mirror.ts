import { reasonOf } from '../errors.ts'
import type { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { answerOf } from '../http/promised-answer.ts'
import { ConcurrencyLimit } from '../resilience/concurrency-limit.ts'
import type { DiscoveredServers } from './discovered-servers.ts'
import type { ServerPool } from './server-pool.ts'
import { keepBody, requestTo } from './upstream-request.ts'

/** Copies that may be under way at once; more are dropped and counted. */
export const MAX_MIRRORED = 256
/** Bytes of an answer to a copy that are read so that its connection can be used again. */
const DRAIN_BYTES = 64 * 1024

/**
 * Sends copies of requests to other servers and forgets their answers. A copy never delays, fails or
 * changes the request itself, and ends apart from it.
 */
export class Mirror {
  readonly #discovered: DiscoveredServers
  readonly #servers: ServerPool
  readonly #timeoutMs: number
  readonly #limit = new ConcurrencyLimit(MAX_MIRRORED)
  #sent = 0
  #failed = 0
  #skipped = 0

  constructor(servers: DiscoveredServers, timeoutMs: number) {
    this.#discovered = servers
    this.#servers = servers.pool
    this.#timeoutMs = timeoutMs
  }

  /**
   * Sends a copy. A promise when the body has to be here as a whole first; its failure is left for the
   * request itself to meet. A body that is too large or too long unknown to be kept is not copied: Easegress
   * sends a text in its place, which a server would take for the real thing.
   */
  offer(scope: MessageScope): void | Promise<void> {
    const { request } = scope
    const pending = keepBody(request)
    if (pending === undefined) {
      this.#copy(scope)
      return
    }
    return pending.then(
      () => this.#copy(scope),
      () => {
        this.#skipped += 1
      },
    )
  }

  status(): unknown {
    return {
      servers: this.#servers.status(),
      sent: this.#sent,
      failed: this.#failed,
      skipped: this.#skipped + this.#limit.refused,
    }
  }

  close(): void {
    this.#discovered.close()
  }

  #copy(scope: MessageScope): void {
    const endpoint = this.#servers.choose(scope)
    if (!scope.request.body.isWhole || endpoint === undefined) {
      this.#skipped += 1
      return
    }
    if (!this.#limit.acquire()) return
    this.#sent += 1
    const { state, client } = endpoint
    if (this.#servers.countsActive) state.active += 1
    void answerOf(client.value, requestTo(endpoint, scope, null), this.#timeoutMs, null)
      .then(
        (response) => {
          this.#servers.record(endpoint, response.status >= 500)
          return drain(response.body)
        },
        () => {
          this.#servers.record(endpoint, true)
          this.#failed += 1
        },
      )
      .finally(() => {
        if (this.#servers.countsActive) state.active -= 1
        this.#limit.release()
      })
  }
}

/** Reads what is short, gives up what is long. Never fails. */
async function drain(body: Body): Promise<void> {
  try {
    await body.collect(DRAIN_BYTES)
  } catch (error) {
    body.cancel(error instanceof Error ? error : new Error(reasonOf(error)))
  }
}
