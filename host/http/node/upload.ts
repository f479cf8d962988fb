import { EventEmitter } from 'node:events'
import type { Body, BodySink } from '../../exchange/body.ts'

/**
 * A request body in the shape undici takes for a stream: it asks for `on`, `pipe`, `pause`, `resume`,
 * `destroy` and the events data, end, error and close. A `Readable` in between would buffer every chunk a
 * second time and cost four ticks per message.
 *
 * Reading starts with undici's first `resume`, when it has a connection.
 */
export class Upload extends EventEmitter implements BodySink {
  readonly #body: Body
  #isPiped = false
  #isPaused = false
  destroyed = false

  constructor(body: Body) {
    super()
    this.#body = body
  }

  /** Only marks this object as a stream: undici looks for it and never calls it. */
  pipe<T>(destination: T): T {
    return destination
  }

  resume(): this {
    this.#isPaused = false
    if (this.#isPiped) this.#body.resume()
    else {
      this.#isPiped = true
      // undici calls this while it is still attaching its listeners to the socket.
      queueMicrotask(() => {
        if (!this.destroyed) this.#body.pipe(this)
      })
    }
    return this
  }

  pause(): this {
    this.#isPaused = true
    return this
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this
    this.destroyed = true
    this.#body.cancel(error ?? new Error('the upstream took no more'))
    this.emit('close')
    return this
  }

  write(chunk: Buffer): boolean {
    if (!this.destroyed) this.emit('data', chunk)
    return !this.#isPaused
  }

  end(): void {
    if (!this.destroyed) this.emit('end')
  }

  fail(error: Error): void {
    if (!this.destroyed) this.emit('error', error)
  }
}
