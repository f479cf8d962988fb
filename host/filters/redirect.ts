import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { Headers } from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { replaceResponse } from './replace-message.ts'

const TEXTS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
}

/** A status that sends a client elsewhere. */
export function redirectStatus(status: number) {
  return z
    .union([301, 302, 303, 304, 307, 308].map((code) => z.literal(code)))
    .default(status)
    .describe('The status of the answer.')
}

/** Answers with a redirection. False when the location cannot be sent: it holds control characters. */
export function redirectTo(scope: MessageScope, status: number, location: string): boolean {
  // What a client wrote may stand in it: nothing that could end the line (RFC 9110, section 10.2.2).
  const safe = location.replace(/[^!-~]/gu, (sign) => encodeURIComponent(sign.toWellFormed()))
  if (safe === '') return false
  replaceResponse(
    scope,
    new Response(
      status,
      new Headers(['Location', safe, 'Content-Type', 'text/plain; charset=utf-8']),
      status === 304 ? Body.none : Body.text(TEXTS[status] ?? ''),
    ),
  )
  return true
}
