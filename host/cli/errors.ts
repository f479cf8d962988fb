import { styleText } from 'node:util'
import { ConfigError, formatIssue, printable } from '../config/issues.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { RefusedError } from './api-client.ts'
import { type CliIo, type CliWriter, EXIT, type ExitCode, hasColor } from './io.ts'

export type PaintColor = 'red' | 'yellow' | 'green' | 'dim' | 'bold'

/** The text in a color where colors are wanted, else as it is. */
export function paint(
  writer: CliWriter,
  env: CliIo['env'],
  color: PaintColor,
  text: string,
): string {
  return hasColor(writer, env) ? styleText(color, text, { validateStream: false }) : text
}

/**
 * Writes what went wrong and, last, what to do next:
 *
 *     error: cannot reach the gateway at http://127.0.0.1:2381: connection refused
 *     Is it running? Start it with "penstock serve -f FILE", or name another one with --server.
 */
export function writeError(error: unknown, io: CliIo): void {
  const { message, issues, hint } = describe(error)
  const label = paint(io.stderr, io.env, 'red', 'error:')
  const lines = [`${label} ${printable(message)}`, ...issues.map((issue) => `  ${issue}`)]
  lines.push(printable(hint))
  io.stderr.write(`${lines.join('\n')}\n`)
}

/** 1 when the gateway or a check refused, 2 when it never came to that. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof RefusedError || error instanceof ConfigError ? EXIT.refused : EXIT.usage
}

interface Description {
  readonly message: string
  readonly issues: readonly string[]
  readonly hint: string
}

function describe(error: unknown): Description {
  if (error instanceof RefusedError) {
    const { message, hint, issues = [] } = error.problem
    return { message, hint, issues: error.located ?? issues.map(describeIssue) }
  }
  if (error instanceof ConfigError) {
    const summary = new GatewayError('CONFIG_INVALID', { count: error.issues.length })
    const { message, hint } = summary
    return { message, hint, issues: error.issues.map(formatIssue) }
  }
  if (error instanceof GatewayError) {
    return { message: error.message, issues: [], hint: error.hint }
  }
  return {
    message: reasonOf(error),
    issues: [],
    hint: 'This was not expected: please report it with the command line and the version.',
  }
}

function describeIssue(issue: {
  readonly object?: string | undefined
  readonly path: string
  readonly severity: string
  readonly message: string
  readonly suggestion?: string | null | undefined
}): string {
  const place = [issue.object ?? '', issue.path].filter((part) => part !== '').join(' ')
  const hint = issue.suggestion == null ? '' : ` (did you mean "${issue.suggestion}"?)`
  return printable(`${place === '' ? '' : `${place}: `}${issue.severity}: ${issue.message}${hint}`)
}
