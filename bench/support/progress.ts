/** Says on the error stream what runs: in one line on a terminal, else one line per tenth. */
export class Progress {
  readonly #total: number
  readonly #startedAtMs = Date.now()
  #steps = 0
  #prefix = ''

  constructor(total: number) {
    this.#total = total
  }

  /** What the steps from now on belong to. */
  say(prefix: string): void {
    this.#prefix = prefix
  }

  step(what: string): void {
    const share = this.#steps / this.#total
    const isTenth = this.#steps % Math.max(1, Math.round(this.#total / 10)) === 0
    this.#steps += 1
    const left = share === 0 ? '' : `, ${this.#left(share)} s left`
    const text = `${Math.floor(share * 100)} % ${this.#prefix}${what}${left}`
    if (process.stderr.isTTY === true) process.stderr.write(`\r\x1b[K${text}`)
    else if (isTenth) process.stderr.write(`${text}\n`)
  }

  done(): void {
    if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K')
  }

  #left(share: number): number {
    const passedMs = Date.now() - this.#startedAtMs
    return Math.ceil((passedMs * (1 - share)) / share / 1000)
  }
}
