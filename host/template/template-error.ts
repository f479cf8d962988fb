import { GatewayError } from '../errors.ts'

/** A template that cannot be read: the line counts from 1 in the template's own text. */
export function syntaxError(line: number, reason: string): GatewayError<'TEMPLATE_SYNTAX'> {
  return new GatewayError('TEMPLATE_SYNTAX', { line, reason })
}

/** A template that cannot go on with the data it was given. */
export function runError(reason: string): GatewayError<'TEMPLATE_RUN'> {
  return new GatewayError('TEMPLATE_RUN', { reason })
}
