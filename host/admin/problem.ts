import type { ConfigIssue } from '../config/issues.ts'
import { ConfigError } from '../config/issues.ts'
import { parsePath } from '../config/json.ts'
import { GatewayError } from '../errors.ts'
import { STATUS_CODES } from '../http/node-http.ts'
import type { Reply } from './route.ts'

/** One issue as the API tells it. */
export interface ProblemIssue {
  readonly severity: string
  /** `filters[1].limit`; "" for the whole document. */
  readonly path: string
  /** The same place as a JSON pointer (RFC 6901). */
  readonly pointer: string
  readonly message: string
  readonly suggestion: string | null
  /** The object it is about, when a request has several. */
  readonly object?: string
  /** Only for a text with an error of syntax. */
  readonly line?: number
  readonly column?: number
}

/** The body of every refusal: `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number
  readonly title: string
  /** Stable: match on this. */
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly issues?: readonly ProblemIssue[]
}

/**
 * The refusal that tells a caller about an error, or null for one that nobody expected: its text belongs
 * in the log only.
 */
export function problemReply(error: unknown): Reply | null {
  if (error instanceof ConfigError) {
    const count = error.issues.filter((issue) => issue.severity === 'error').length
    const summary = new GatewayError('CONFIG_INVALID', { count })
    // A text that is no YAML is a bad request; one that says what cannot be is unprocessable.
    const isSyntax = error.issues.some((issue) => issue.position !== null && issue.path === '')
    return refusal(summary, isSyntax ? 400 : 422, error.issues.map(describeIssue))
  }
  if (!(error instanceof GatewayError)) return null
  // A plugin that fails while it is loaded is what the caller sent, not a failure of the gateway.
  const status = error.fault === 'guest' && error.status >= 500 ? 422 : error.status
  return refusal(error, status)
}

/** A refusal with issues of its own. */
export function refusal(
  error: GatewayError,
  status: number = error.status,
  issues: readonly ProblemIssue[] = [],
): Reply {
  const data: Problem = {
    status,
    title: STATUS_CODES[status] ?? 'Error',
    code: error.code,
    message: error.message,
    hint: error.hint,
    ...(issues.length > 0 ? { issues } : {}),
  }
  return { status, data, headers: { ...headersOf(error), 'content-type': PROBLEM_TYPE } }
}

export const PROBLEM_TYPE = 'application/problem+json'

function headersOf(error: GatewayError): Record<string, string> {
  if (is(error, 'ADMIN_METHOD')) return { allow: error.params.allowed }
  if (is(error, 'ADMIN_RATE_LIMITED')) return { 'retry-after': String(error.params.seconds) }
  if (is(error, 'ADMIN_UNAUTHORIZED')) return { 'www-authenticate': 'Bearer realm="penstock"' }
  return {}
}

function is<C extends GatewayError['code']>(
  error: GatewayError,
  code: C,
): error is GatewayError<C> {
  return error.code === code
}

function describeIssue(issue: ConfigIssue): ProblemIssue {
  const { severity, path, message, suggestion, position } = issue
  const place = position === null ? {} : { line: position.line, column: position.column }
  const object = issue.object === undefined ? {} : { object: issue.object }
  return { severity, path, pointer: pointerOf(path), message, suggestion, ...object, ...place }
}

/** `filters[1]["a.b"].x` as `/filters/1/a.b/x` (RFC 6901). */
export function pointerOf(path: string): string {
  const steps = parsePath(path) ?? [path]
  return steps.map((step) => `/${escaped(String(step))}`).join('')
}

function escaped(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}
