import { GatewayError } from '../../errors.ts'

/** The module is malformed at `offset` (bytes from the start of the file). */
export function invalid(offset: number, reason: string): GatewayError<'GUEST_MODULE_INVALID'> {
  return new GatewayError('GUEST_MODULE_INVALID', { offset, reason })
}

/** The module uses a proposal this host does not allow; `feature` is the proposal's name. */
export function unsupported(offset: number, feature: string): GatewayError<'GUEST_MODULE_FEATURE'> {
  return new GatewayError('GUEST_MODULE_FEATURE', { offset, feature })
}

/** The module has more of something than a limit allows; `limit` is the limit's name. */
export function overLimit(
  offset: number,
  limit: string,
  value: number,
  maximum: number,
): GatewayError<'GUEST_MODULE_LIMIT'> {
  return new GatewayError('GUEST_MODULE_LIMIT', { offset, limit, value, maximum })
}
