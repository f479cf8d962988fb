import type { Exchange } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'
import type { Asker, HttpClient, UpstreamRequest } from './engine.ts'

/**
 * Sends `request` with `client` for a caller that waits for a promise. Resolves when the head of the answer is
 * here; its body may still stream. Fails with what `HttpClient.send` tells an asker.
 */
export function answerOf(
  client: HttpClient,
  request: UpstreamRequest,
  timeoutMs: number,
  exchange: Exchange | null,
): Promise<Response> {
  const answer = new PromisedAnswer()
  client.send(answer, request, timeoutMs, exchange)
  return answer.promise
}

/** An asker that somebody waits for. */
class PromisedAnswer implements Asker {
  readonly promise: Promise<Response>
  #resolve!: (response: Response) => void
  #reject!: (error: unknown) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onAnswer(response: Response): void {
    this.#resolve(response)
  }

  onFailure(error: unknown): void {
    this.#reject(error)
  }
}
