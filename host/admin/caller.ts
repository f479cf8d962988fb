import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.ts'
import { CALLER_HEADER, isCallerName } from './schemas/caller-name.ts'

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
