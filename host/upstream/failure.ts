import { isGatewayError } from '../errors.ts'

/** The results of a Proxy other than success, as Easegress names them. */
export const PROXY_RESULTS = [
  'internalError',
  'clientError',
  'serverError',
  'failureCode',
  'timeout',
  'shortCircuited',
] as const

export type ProxyFailure = (typeof PROXY_RESULTS)[number]
export type ProxyResult = ProxyFailure | undefined

/** What a request that got no answer comes to. */
export interface Failure {
  readonly status: number
  readonly result: ProxyFailure
}

/** No endpoint is available: nothing is tried and nobody waits. */
export const UNAVAILABLE: Failure = { status: 503, result: 'internalError' }
/** The circuit breaker or a limit does not let the request through. */
export const SHORT_CIRCUITED: Failure = { status: 503, result: 'shortCircuited' }
/** The answer is larger than `serverMaxBodySize`. */
export const BODY_TOO_LARGE: Failure = { status: 500, result: 'internalError' }

const TIMEOUT: Failure = { status: 504, result: 'timeout' }
/** The client left before the answer. */
export const CLIENT_GONE: Failure = { status: 499, result: 'clientError' }
/** No connection: the one failure that proves that nothing was sent. */
export const CONNECT_FAILED: Failure = { status: 503, result: 'serverError' }
const INVALID: Failure = { status: 502, result: 'serverError' }
const INTERNAL: Failure = { status: 500, result: 'internalError' }

/** Easegress's map of errors, but 504 for a timeout where it has 408, and 502 for an invalid answer. */
export function failureOf(error: unknown): Failure {
  if (!isGatewayError(error)) return INTERNAL
  switch (error.code) {
    case 'UPSTREAM_TIMEOUT':
      return TIMEOUT
    case 'UPSTREAM_ABORTED':
      return CLIENT_GONE
    case 'UPSTREAM_CONNECT':
      return CONNECT_FAILED
    case 'UPSTREAM_INVALID':
      return INVALID
    default:
      return error.fault === 'client'
        ? { status: error.status, result: 'clientError' }
        : { status: error.status, result: 'internalError' }
  }
}
