import type { CliIo } from './io.ts'

/** The step a long command is at: on a terminal one line that is written over, else nothing. */
export class StepLine {
  readonly #io: Pick<CliIo, 'stderr'>
  #length = 0

  constructor(io: Pick<CliIo, 'stderr'>) {
    this.#io = io
  }

  show(step: string): void {
    if (!this.#io.stderr.isTerminal) return
    this.#io.stderr.write(`\r${step}…${' '.repeat(Math.max(0, this.#length - step.length))}`)
    this.#length = step.length
  }

  clear(): void {
    if (!this.#io.stderr.isTerminal || this.#length === 0) return
    this.#io.stderr.write(`\r${' '.repeat(this.#length + 1)}\r`)
    this.#length = 0
  }
}
