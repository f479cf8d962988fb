import { acceptsGzip, gzipBody } from '../exchange/gzip.ts'
import type { Headers } from '../exchange/headers.ts'
import type { Request } from '../exchange/request.ts'
import type { Response } from '../exchange/response.ts'

/** Easegress's field; bytes. */
export interface CompressionSpec {
  /** Shorter bodies stay as they are; one of unknown length is compressed. */
  readonly minLength: number
}

/**
 * Compresses an answer with gzip when the client takes it and it pays: not what is encoded already, not
 * media that are compressed by themselves, no part of a whole, no stream of events, which would wait in
 * the compressor.
 */
export function compressResponse(
  request: Request,
  response: Response,
  spec: CompressionSpec,
): void {
  const { headers, status, body } = response
  if (request.method === 'HEAD' || status === 204 || status === 206 || status === 304) return
  const length = body.isWhole ? body.whole().length : body.announcedLength
  if (length >= 0 && length < Math.max(spec.minLength, 1)) return
  if (headers.has('content-encoding') || headers.has('content-range')) return
  if (!isCompressible(headers.get('content-type')) || isFixed(headers)) return
  // Also when this client takes no gzip: a cache must not give its answer to one that does, or the other way.
  addVary(headers)
  if (!acceptsGzip(request.headers.get('accept-encoding'))) return
  headers.set('content-encoding', 'gzip')
  weakenTag(headers)
  headers.remove('accept-ranges')
  headers.remove('content-md5')
  headers.remove('digest')
  response.body = gzipBody(body)
}

/** A type that is not named is compressed, as Easegress does. */
function isCompressible(type: string | undefined): boolean {
  if (type === undefined) return true
  const media = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (media === 'text/event-stream') return false
  if (media === 'image/svg+xml') return true
  return !/^(?:image|video|audio|font)\/|^application\/(?:zip|gzip|zstd|x-(?:7z|bzip2|xz|rar)\b|grpc)/.test(
    media,
  )
}

/** `no-transform` forbids it (RFC 9111, section 5.2.2.6). */
function isFixed(headers: Headers): boolean {
  return headers.get('cache-control')?.toLowerCase().includes('no-transform') ?? false
}

function addVary(headers: Headers): void {
  const names = headers.getAll('vary').join(',').toLowerCase()
  if (!/(?:^|[\s,])(?:\*|accept-encoding)(?:$|[\s,])/.test(names)) {
    headers.add('vary', 'Accept-Encoding')
  }
}

/** The bytes are others, the meaning is the same (RFC 9110, section 8.8.1). */
function weakenTag(headers: Headers): void {
  const tag = headers.get('etag')
  if (tag?.startsWith('"') === true) headers.set('etag', `W/${tag}`)
}
