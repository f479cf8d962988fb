import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import { MAX_CALLER_LENGTH } from './limits.ts'

/** In which a caller says who it is, for the history of what it changes. */
export const CALLER_HEADER = 'x-penstock-by'

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,${MAX_CALLER_LENGTH - 1}}$`)

/** What may stand in the header: letters, digits and `. _ @ + -`, beginning with a letter or a digit. */
export function isCallerName(text: string): boolean {
  return NAME.test(text)
}

/**
 * Who asks, as the history keeps it: the address, and beside it whom the caller says it is. There is one
 * token for all, so that a name is a claim and no proof. ADMIN_CALLER for one that is no name.
 */
export function callerOf(request: IncomingMessage): string {
  const address = request.socket.remoteAddress ?? ''
  const name = request.headers[CALLER_HEADER]
  if (name === undefined) return address
  if (typeof name !== 'string' || !isCallerName(name)) {
    throw new GatewayError('ADMIN_CALLER', { header: CALLER_HEADER })
  }
  return `${address}, said to be ${name}`
}
