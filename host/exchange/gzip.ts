import { createGzip, type Gzip, gzipSync } from 'node:zlib'
import { Body, type BodySink, type BodySource } from './body.ts'

/**
 * Whole bodies up to this size are compressed in place: that takes at most about 0.2 ms, less than the way
 * to another thread and back, and the length is known again.
 */
export const GZIP_IN_PLACE_BYTES = 16 * 1024

/**
 * Does an Accept-Encoding field allow gzip, and prefer it to sending as it is? Quality values count
 * (RFC 9110, section 12.5.3): `gzip;q=0` refuses, `*` stands for what is not named.
 */
export function acceptsGzip(field: string | undefined): boolean {
  if (field === undefined) return false
  let gzip = -1
  let identity = -1
  let other = -1
  for (const part of field.split(',')) {
    const [name = '', ...parameters] = part.split(';')
    const quality = qualityOf(parameters)
    switch (name.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        gzip = quality
        break
      case 'identity':
        identity = quality
        break
      case '*':
        other = quality
        break
      default:
    }
  }
  if (gzip < 0) gzip = other
  // Sending as it is needs no mention to be allowed; to be preferred it does.
  return gzip > 0 && gzip >= identity
}

function qualityOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const match = /^\s*q\s*=\s*(\S*)\s*$/i.exec(parameter)
    if (match === null) continue
    // What is no quality value is not a wish for it either.
    return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(match[1] ?? '') ? Number(match[1]) : 0
  }
  return 1
}

/** The same body, compressed. Bytes pass on as the compressor gives them out, which is not at once. */
export function gzipBody(source: Body): Body {
  if (source.isEmpty) return source
  if (source.isWhole && source.trailers === null) {
    const bytes = source.whole()
    if (bytes.length <= GZIP_IN_PLACE_BYTES) return Body.bytes(gzipSync(bytes))
  }
  return new Compressor(source).start()
}

/**
 *     source ──write──▶ Gzip (a thread of the pool) ──data──▶ body ──▶ consumer
 *        ▲ pause, resume ──┘ drain                   ▲ pause, resume ──┘
 */
class Compressor implements BodySink, BodySource {
  readonly #source: Body
  readonly #gzip: Gzip
  readonly #body: Body
  #trailers: string[] | null = null

  constructor(source: Body) {
    this.#source = source
    this.#body = Body.stream(this)
    const gzip = createGzip()
    this.#gzip = gzip
    gzip.on('data', (chunk: Buffer) => this.#body.push(chunk))
    gzip.on('end', () => this.#body.end(this.#trailers))
    gzip.on('drain', () => this.#source.resume())
    gzip.on('error', (error) => this.cancel(error))
  }

  start(): Body {
    this.#source.pipe(this)
    return this.#body
  }

  /** BodySink */
  write(chunk: Buffer): boolean {
    return this.#gzip.write(chunk)
  }

  end(trailers: string[] | null): void {
    this.#trailers = trailers
    this.#gzip.end()
  }

  fail(error: Error): void {
    this.#gzip.destroy()
    this.#body.fail(error)
  }

  /** BodySource */
  resume(): void {
    this.#gzip.resume()
  }

  pause(): void {
    this.#gzip.pause()
  }

  cancel(error: Error): void {
    this.#gzip.destroy()
    this.#source.cancel(error)
    this.#body.fail(error)
  }
}
