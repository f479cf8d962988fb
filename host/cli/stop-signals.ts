import type { CliIo, CliSignal } from './io.ts'

/** SIGINT and SIGTERM as values to wait for, also those that arrived before anybody waited. */
export class StopSignals {
  readonly #arrived: CliSignal[] = []
  readonly #waiting: ((signal: CliSignal) => void)[] = []
  /** Gives the signals back to the process. */
  readonly release: () => void

  constructor(io: Pick<CliIo, 'takeSignals'>) {
    this.release = io.takeSignals((signal) => {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) this.#arrived.push(signal)
      else waiter(signal)
    })
  }

  /** The next signal that nobody has taken yet. */
  next(): Promise<CliSignal> {
    const arrived = this.#arrived.shift()
    if (arrived !== undefined) return Promise.resolve(arrived)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
