import { z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import type { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { gzipBody } from '../exchange/gzip.ts'
import type { Headers } from '../exchange/headers.ts'
import { gunzipBody } from './gunzip.ts'

/** The fields of an adaptor that change how a body is encoded. */
export function codingFields() {
  return {
    compress: z.enum(['', 'gzip']).default('').describe('Compress the body, unless it is already.'),
    decompress: z.enum(['', 'gzip']).default('').describe('Decompress the body when it is gzip.'),
  }
}

export interface CodingSpec {
  readonly compress: '' | 'gzip'
  readonly decompress: '' | 'gzip'
  readonly body?: string | undefined
}

/** What cannot both be meant. */
export function checkCoding(spec: CodingSpec, context: z.core.$RefinementCtx<unknown>): void {
  const complain = (message: string): void => {
    context.addIssue({ code: 'custom', path: ['decompress'], message })
  }
  if (spec.decompress === '') return
  if (spec.compress !== '') complain('`compress` and `decompress` exclude each other')
  else if (spec.body !== undefined && spec.body !== '') {
    complain('there is nothing to decompress: `body` replaces the body')
  }
}

interface Message {
  readonly headers: Headers
  body: Body
}

/** Compresses the body of a message that is not encoded yet. */
export function compress(message: Message): void {
  const { headers } = message
  if (headers.has('content-encoding')) return
  message.body = gzipBody(message.body)
  headers.set('Content-Encoding', 'gzip')
  markChanged(headers)
}

/** Decompresses the body of a message that is gzip. `decompressFailed` when it is none after all. */
export function decompress(
  message: Message,
  exchange: Exchange,
): undefined | Promise<'decompressFailed' | undefined> {
  const { headers } = message
  if (headers.get('content-encoding')?.trim().toLowerCase() !== 'gzip') return undefined
  return gunzipBody(message.body).then(
    (body) => {
      message.body = body
      headers.remove('content-encoding')
      markChanged(headers)
      return undefined
    },
    (error: unknown) => {
      exchange.tag(reasonOf(error))
      return 'decompressFailed'
    },
  )
}

/** The bytes are others: ranges and a strong validator of the former ones are wrong (RFC 9110, 8.8.1). */
function markChanged(headers: Headers): void {
  headers.remove('accept-ranges')
  headers.remove('content-md5')
  const etag = headers.get('etag')
  if (etag?.startsWith('"') === true) headers.set('ETag', `W/${etag}`)
}
