import type { IncomingMessage, ServerResponse } from 'node:http'
import { formatYaml } from '../config/yaml-text.ts'
import { drainBody } from './body.ts'
import type { Reply } from './route.ts'

/** Sends a reply in the format the caller accepts. Never throws: a caller that has left is no error. */
export async function writeReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  revision: number,
): Promise<void> {
  if (response.destroyed) return
  const { payload, type } = render(reply, request.headers.accept ?? '')
  response.statusCode = reply.status
  response.setHeader('content-type', type)
  if (reply.stream === undefined) response.setHeader('content-length', payload.length)
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-config-version', String(revision))
  response.setHeader('x-content-type-options', 'nosniff')
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    if (name !== 'content-type') response.setHeader(name, value)
  }
  if (reply.stream !== undefined) {
    reply.stream(response)
    if (request.method === 'HEAD') response.end()
    return
  }
  if (request.complete) {
    response.end(payload)
    return
  }
  response.setHeader('connection', 'close')
  response.write(payload)
  await drainBody(request)
  response.end()
}

const EMPTY = Buffer.alloc(0)

function render(reply: Reply, accept: string): { payload: Buffer; type: string } {
  const own = reply.headers?.['content-type']
  if (reply.bytes !== undefined || reply.stream !== undefined) {
    return { payload: reply.bytes ?? EMPTY, type: own ?? 'application/octet-stream' }
  }
  if (reply.text !== undefined) {
    return { payload: Buffer.from(reply.text), type: own ?? 'text/plain; charset=utf-8' }
  }
  // Like Easegress: any accepted type with "yaml" in it. Refusals stay JSON, their type says so.
  if (own === undefined && accept.includes('yaml')) {
    return { payload: Buffer.from(formatYaml(reply.data ?? null)), type: 'application/yaml' }
  }
  const json = JSON.stringify(reply.data ?? null)
  return { payload: Buffer.from(`${json}\n`), type: own ?? 'application/json' }
}
