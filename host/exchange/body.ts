import { GatewayError } from '../errors.ts'

/** Where a body's bytes go: a socket, an upstream request, a filter that collects. */
export interface BodySink {
  /** False asks the producer to stop until `Body.resume` is called; the chunk is taken either way. */
  write(chunk: Buffer): boolean
  /** The last byte was written; `trailers` is a flat list or null. */
  end(trailers: string[] | null): void
  /** The producer broke off: what was written is not the whole body. */
  fail(error: Error): void
  /**
   * Is no chunk that was written referred to any more? Then its memory may be used again. A sink without
   * this may keep what it is given.
   */
  hasLetGo?(): boolean
}

/** What the producer side of a streamed body must be able to do. */
export interface BodySource {
  /** The consumer has room again. */
  resume(): void
  /** Stop reading for a moment: the consumer is full. */
  pause(): void
  /** Nobody wants the rest: stop producing and free what it holds. */
  cancel(error: Error): void
  /** `chunk`, which had to wait in the body, has gone where it should: its memory is the producer's again. */
  giveBack?(chunk: Buffer): void
}

/** Sees a body's bytes as they arrive and changes nothing. For the inspector: see host/inspect. */
export interface BodyTap {
  chunk(chunk: Buffer): void
  /** That was the last byte. */
  end(): void
}

/** Bytes a body may hold while nobody reads it, before its producer is paused. */
export const BODY_HIGH_WATER = 64 * 1024

/** Bytes a filter may ask for as a whole (`Body.collect`); the default of every limit of that kind. */
export const BODY_COLLECT_LIMIT = 4 * 1024 * 1024

/**
 * The body of one message: none, whole bytes, or a stream with one producer and one consumer.
 *
 * A stream that ends before anybody looks has become whole bytes: small answers arrive in the packet of
 * their head, and the engine then writes head and body in one call.
 *
 *     open ──push*──▶ open ──end──▶ ended          chunks wait here until pipe() or collect()
 *       │                │
 *       └────fail────────┴─────────▶ failed
 */
export class Body {
  /** Bytes announced by the sender; -1 when unknown. */
  readonly announcedLength: number
  trailers: string[] | null = null
  #chunks: Buffer[] = []
  /** The whole body as latin1 text, in place of chunks. */
  #latin1: string | null = null
  #buffered = 0
  #ended: boolean
  #error: Error | null = null
  #paused = false
  #consumed = false
  #sink: BodySink | null = null
  #source: BodySource | null
  #tap: BodyTap | null = null

  private constructor(source: BodySource | null, announcedLength: number, ended: boolean) {
    this.#source = source
    this.announcedLength = announcedLength
    this.#ended = ended
  }

  /** No body at all. Shared: it holds nothing. */
  static readonly none: Body = new Body(null, 0, true)

  static bytes(bytes: Buffer): Body {
    if (bytes.length === 0) return Body.none
    const body = new Body(null, bytes.length, true)
    body.#chunks.push(bytes)
    body.#buffered = bytes.length
    return body
  }

  /**
   * Whole bytes given as text, one character for each: an engine that has read a small body with its head
   * sends it on as it is, and bytes are made only when somebody asks for them.
   */
  static latin1(text: string): Body {
    if (text.length === 0) return Body.none
    const body = new Body(null, text.length, true)
    body.#latin1 = text
    body.#buffered = text.length
    return body
  }

  static text(text: string): Body {
    return Body.bytes(Buffer.from(text, 'utf8'))
  }

  /** A stream; the producer calls `push`, then `end` or `fail`. */
  static stream(source: BodySource, announcedLength = -1): Body {
    return new Body(source, announcedLength, false)
  }

  /** True when every byte is here and none has been given away. */
  get isWhole(): boolean {
    return this.#ended && this.#error === null && !this.#consumed
  }

  /** True when the body is whole and has no bytes. */
  get isEmpty(): boolean {
    return this.#ended && this.#error === null && this.#buffered === 0 && !this.#consumed
  }

  /** True once `pipe`, `collect` or `cancel` took the bytes. */
  get isConsumed(): boolean {
    return this.#consumed
  }

  /** The whole body as text, one character a byte, while nobody has asked for its bytes; else null. */
  get latin1(): string | null {
    return this.#latin1
  }

  /** The whole body. Call it only when `isWhole`; the bytes stay here. */
  whole(): Buffer {
    this.#makeBytes()
    if (this.#chunks.length === 1) return this.#chunks[0] as Buffer
    if (this.#chunks.length === 0) return EMPTY
    const bytes = Buffer.concat(this.#chunks, this.#buffered)
    this.#chunks = [bytes]
    return bytes
  }

  /**
   * Producer: more bytes. They belong to the body from now on, unless this answers true: then they have
   * gone where they should, and the memory is the producer's again.
   */
  push(chunk: Buffer): boolean {
    if (this.#ended || this.#error !== null) return true
    const tap = this.#tap
    if (tap !== null) tap.chunk(chunk)
    const sink = this.#sink
    if (sink !== null) {
      if (!sink.write(chunk)) this.#pause()
      return tap === null && sink.hasLetGo !== undefined && sink.hasLetGo()
    }
    if (this.#consumed) return tap === null
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered >= BODY_HIGH_WATER) this.#pause()
    return false
  }

  /** Producer: that was the last byte. */
  end(trailers: string[] | null = null): void {
    if (this.#ended || this.#error !== null) return
    this.#ended = true
    this.trailers = trailers
    this.#source = null
    this.#tap?.end()
    this.#sink?.end(trailers)
  }

  /** Shows `tap` every byte, those that wait here first. One tap a body; call it before it is consumed. */
  tap(tap: BodyTap): void {
    this.#makeBytes()
    for (const chunk of this.#chunks) tap.chunk(chunk)
    if (this.#ended) tap.end()
    else this.#tap = tap
  }

  /** Producer: the rest will not come. */
  fail(error: Error): void {
    if (this.#ended || this.#error !== null) return
    this.#error = error
    this.#source = null
    this.#sink?.fail(error)
  }

  /** Consumer: send every byte, those that wait first, to `sink`. At most once. */
  pipe(sink: BodySink): void {
    if (this.#consumed && this !== Body.none) {
      sink.fail(new Error('the body was already read'))
      return
    }
    if (this === Body.none) {
      sink.end(null)
      return
    }
    this.#consumed = true
    this.#makeBytes()
    const chunks = this.#chunks
    this.#chunks = []
    this.#buffered = 0
    let hasRoom = true
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i] as Buffer
      hasRoom = sink.write(chunk)
      if (this.#tap === null && sink.hasLetGo?.() === true) this.#source?.giveBack?.(chunk)
    }
    if (this.#error !== null) {
      sink.fail(this.#error)
      return
    }
    if (this.#ended) {
      sink.end(this.trailers)
      return
    }
    this.#sink = sink
    if (hasRoom) this.resume()
    else this.#pause()
  }

  /** Consumer: there is room again after `write` answered false. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#source?.resume()
  }

  /**
   * Consumer: nobody will read the rest. Most bodies are whole and have nobody to tell, so that a reason in words
   * becomes an error, which costs 3 us, only for those that have.
   */
  cancel(reason: Error | string): void {
    if (this === Body.none || (this.#ended && this.#sink === null)) {
      return
    }
    const error = typeof reason === 'string' ? new Error(reason) : reason
    const source = this.#source
    this.#source = null
    this.#consumed = true
    this.#sink = null
    this.#chunks = []
    this.#error ??= error
    source?.cancel(error)
  }

  /**
   * The whole body as bytes, kept here so that it can be read or sent afterwards.
   * Fails with REQUEST_BODY_TOO_LARGE past `limit` bytes, before they are held.
   */
  collect(limit: number = BODY_COLLECT_LIMIT): Buffer | Promise<Buffer> {
    if (this.announcedLength > limit || this.#buffered > limit)
      return Promise.reject(tooLarge(limit))
    if (this.isWhole) return this.whole()
    if (this.#error !== null) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let total = 0
      this.pipe({
        write: (chunk) => {
          total += chunk.length
          if (total > limit) {
            this.cancel(tooLarge(limit))
            reject(tooLarge(limit))
            return true
          }
          chunks.push(chunk)
          return true
        },
        end: () => {
          this.#chunks = chunks
          this.#buffered = total
          this.#consumed = false
          this.#sink = null
          resolve(this.whole())
        },
        fail: reject,
      })
    })
  }

  #makeBytes(): void {
    if (this.#latin1 === null) return
    this.#chunks = [Buffer.from(this.#latin1, 'latin1')]
    this.#latin1 = null
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#source?.pause()
  }
}

const EMPTY = Buffer.alloc(0)

function tooLarge(limit: number): GatewayError {
  return new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
}
