import { Body } from './body.ts'
import type { Exchange } from './exchange.ts'
import { Headers } from './headers.ts'
import { Response } from './response.ts'

/**
 * What a client gets when a flow ended without a response: the status, the id to ask about, and nothing
 * of the inside.
 */
export function fallbackResponse(exchange: Exchange, status = exchange.failureStatus): Response {
  return new Response(
    status,
    new Headers(['content-type', 'text/plain; charset=utf-8', 'x-request-id', exchange.id]),
    Body.text(`${status} ${TEXTS[status] ?? 'Error'}\nrequest id: ${exchange.id}\n`),
  )
}

const TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}
