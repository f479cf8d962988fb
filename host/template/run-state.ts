import type { Logger } from '../observe/log.ts'
import {
  MAX_LIST_LENGTH,
  MAX_TEMPLATE_DEPTH,
  MAX_TEMPLATE_OUTPUT,
  MAX_TEMPLATE_STEPS,
} from './limits.ts'
import { runError } from './template-error.ts'
import type { Value } from './value.ts'

/** One run of a template: its output so far, its variables, and what is left of its limits. */
export class RunState {
  output = ''
  /** The variables of the template that runs; slot 0 is `$`. */
  frame: Value[] = []
  /** The line of the template's text that runs, for messages. */
  line = 1
  readonly log: Logger
  #steps = MAX_TEMPLATE_STEPS
  #depth = 0

  constructor(log: Logger) {
    this.log = log
  }

  write(text: string): void {
    this.output += text
    if (this.output.length > MAX_TEMPLATE_OUTPUT) throw tooLong()
  }

  /** Takes steps from what is left; fails when there are none. */
  charge(steps: number): void {
    this.#steps -= steps
    if (this.#steps < 0) throw runError(`it takes more than ${MAX_TEMPLATE_STEPS} steps`)
  }

  /** Runs `body` with a frame of its own. */
  enter(slots: number, dot: Value, body: () => void): void {
    this.#depth += 1
    if (this.#depth > MAX_TEMPLATE_DEPTH) {
      throw runError(`templates call each other more than ${MAX_TEMPLATE_DEPTH} deep`)
    }
    const outer = this.frame
    this.frame = new Array<Value>(slots).fill(undefined)
    this.frame[0] = dot
    body()
    this.frame = outer
    this.#depth -= 1
  }
}

/** Fails when a text that is about to be made would be too long. */
export function checkTextLength(length: number): void {
  if (length > MAX_TEMPLATE_OUTPUT) throw tooLong()
}

/** Fails when a list that is about to be made would be too long. */
export function checkListLength(length: number): void {
  if (length > MAX_LIST_LENGTH) {
    throw runError(`a list would have more than ${MAX_LIST_LENGTH} elements`)
  }
}

function tooLong(): Error {
  return runError(`a text would have more than ${MAX_TEMPLATE_OUTPUT} characters`)
}
