import { nearest } from '../config/nearest.ts'
import { GatewayError, isGatewayError } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { compileParsed } from './compile.ts'
import { FUNCTIONS, REFUSED_FUNCTIONS } from './functions/table.ts'
import { parseTemplate } from './parser.ts'
import { readsOf, type TemplateReads } from './reads.ts'
import { RunState } from './run-state.ts'
import type { Value } from './value.ts'

export interface TemplateOptions {
  /** Default `{{`. */
  readonly leftDelim?: string | undefined
  /** Default `}}`. */
  readonly rightDelim?: string | undefined
}

/** A template that is ready to run: any number of times, one after another. */
export interface Template {
  /** What of the data it may look at. */
  readonly reads: TemplateReads
  /** Its text for this data. Fails with TEMPLATE_RUN, also past one of the limits. */
  run(root: Value, log: Logger): string
}

/**
 * Reads a Go text/template with the functions of sprig that configurations use and Easegress's own. Fails
 * with TEMPLATE_SYNTAX: unknown functions, undefined variables and wrong numbers of arguments are found
 * here, not by the first request.
 *
 * @example compileTemplate('Hello {{.name | upper}}').run({ name: 'ada' }, log)  // "Hello ADA"
 */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const parsed = parseTemplate(source, { ...options, refuseFunction })
  const run = compileParsed(parsed)
  return {
    reads: readsOf(parsed),
    run(root, log) {
      const state = new RunState(log)
      try {
        run(state, root)
      } catch (error) {
        throw located(error, state.line)
      }
      return state.output
    },
  }
}

function refuseFunction(name: string): string | null {
  if (FUNCTIONS.has(name) || name === 'and' || name === 'or') return null
  const refused = REFUSED_FUNCTIONS.get(name)
  if (refused !== undefined) return `the function "${name}" is not available: ${refused}`
  const near = nearest(name, [...FUNCTIONS.keys()])
  const hint = near === null ? '' : ` (did you mean "${near}"?)`
  return `there is no function "${name}"${hint}`
}

function located(error: unknown, line: number): unknown {
  if (isGatewayError(error, 'TEMPLATE_RUN')) {
    return new GatewayError('TEMPLATE_RUN', { reason: `line ${line}: ${error.params.reason}` })
  }
  // The engine's own limit: a value nested so deep that the stack is full.
  if (error instanceof RangeError) {
    return new GatewayError('TEMPLATE_RUN', { reason: `line ${line}: ${error.message}` }, error)
  }
  return error
}
