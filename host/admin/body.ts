import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../errors.ts'
import { LINGER_MS } from './limits.ts'
import type { BodyRule } from './route.ts'

/** The media type of a request, lowercase, without parameters; "" when it has none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * Reads a body that the rule allows. The type and an announced length are judged before a byte is read: a
 * form of a foreign web page can only send text/plain and the form types, so it never gets past here
 * (ADMIN_MEDIA_TYPE). ADMIN_BODY_TOO_LARGE past the limit.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  rule: BodyRule,
): Promise<Buffer> {
  const seen = mediaTypeOf(request)
  if (!rule.mediaTypes.includes(seen)) {
    const allowed = rule.mediaTypes.join(', ')
    throw new GatewayError('ADMIN_MEDIA_TYPE', { seen: seen === '' ? '(none)' : seen, allowed })
  }
  if (Number(request.headers['content-length'] ?? 0) > rule.maxBytes) throw tooLarge(rule)
  if (request.headers.expect !== undefined) response.writeContinue()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    if (length > rule.maxBytes) throw tooLarge(rule)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks, length)
}

/**
 * Reads and throws away what is left of a body, for at most `LINGER_MS`. Closing a socket with unread
 * bytes resets it, and the sender would see the reset instead of the answer that says why.
 */
export async function drainBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    request.once('end', done).once('close', done).once('error', done).resume()
  })
}

function tooLarge(rule: BodyRule): GatewayError {
  return new GatewayError('ADMIN_BODY_TOO_LARGE', { limit: rule.maxBytes })
}
