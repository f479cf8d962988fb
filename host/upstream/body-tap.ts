import { Body, type BodySink, type BodySource } from '../exchange/body.ts'

/** What looks at the bytes of a body on their way. */
export interface BodyListener {
  /** Answers an error to break the body off before this chunk. */
  onChunk(chunk: Buffer): Error | null
  onEnd(): void
  /** The body broke off, or nobody wants the rest. */
  onFail(): void
}

/** A body with the bytes of `source`, which `listener` sees too; whole at once when `source` is. */
export function tapBody(source: Body, listener: BodyListener): Body {
  return new Tap(source, listener).start()
}

/**
 *     producer ──▶ source ──▶ Tap ──▶ body ──▶ consumer
 *                    ▲ pause, resume, cancel ──┘
 */
class Tap implements BodySink, BodySource {
  readonly #source: Body
  readonly #listener: BodyListener
  readonly #body: Body
  #isFull = false
  #isOver = false

  constructor(source: Body, listener: BodyListener) {
    this.#source = source
    this.#listener = listener
    this.#body = Body.stream(this, source.announcedLength)
  }

  start(): Body {
    this.#source.pipe(this)
    return this.#body
  }

  /** BodySink */
  write(chunk: Buffer): boolean {
    // A source that is whole hands over all of its chunks, also after the first was refused.
    if (this.#isOver) return true
    const error = this.#listener.onChunk(chunk)
    if (error === null) {
      this.#body.push(chunk)
      return !this.#isFull
    }
    this.#isOver = true
    this.#listener.onFail()
    this.#source.cancel(error)
    this.#body.fail(error)
    return true
  }

  end(trailers: string[] | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onEnd()
    this.#body.end(trailers)
  }

  fail(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onFail()
    this.#body.fail(error)
  }

  /** BodySource */
  resume(): void {
    this.#isFull = false
    this.#source.resume()
  }

  pause(): void {
    this.#isFull = true
  }

  cancel(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.onFail()
    this.#source.cancel(error)
  }
}
