import type { Logger } from './log.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * A child of `parent` that is made with its first line. A logger keeps a kilobyte, and of the thousands of
 * filters of a large configuration nearly all have nothing to say.
 */
export class LazyLogger implements Logger {
  readonly #parent: Logger
  readonly #bindings: Fields
  #made: Logger | null = null

  constructor(parent: Logger, bindings: Fields) {
    this.#parent = parent
    this.#bindings = bindings
  }

  debug(first: string | Fields, message?: string): void {
    if (typeof first === 'string') this.#log.debug(first)
    else this.#log.debug(first, message ?? '')
  }

  info(first: string | Fields, message?: string): void {
    if (typeof first === 'string') this.#log.info(first)
    else this.#log.info(first, message ?? '')
  }

  warn(first: string | Fields, message?: string): void {
    if (typeof first === 'string') this.#log.warn(first)
    else this.#log.warn(first, message ?? '')
  }

  error(first: string | Fields, message?: string): void {
    if (typeof first === 'string') this.#log.error(first)
    else this.#log.error(first, message ?? '')
  }

  child(bindings: Fields): Logger {
    return new LazyLogger(this, bindings)
  }

  isLevelEnabled(level: Parameters<Logger['isLevelEnabled']>[0]): boolean {
    return this.#parent.isLevelEnabled(level)
  }

  get #log(): Logger {
    this.#made ??=
      this.#parent instanceof LazyLogger
        ? this.#parent.#log.child(this.#bindings)
        : this.#parent.child(this.#bindings)
    return this.#made
  }
}
