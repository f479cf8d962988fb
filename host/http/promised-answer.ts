import type { Response } from '../exchange/response.ts'
import type { Asker } from './engine.ts'

/** An asker that waits for a promise. */
export class PromisedAnswer implements Asker {
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
