import { isCallerName, MAX_CALLER_LENGTH } from '../admin/schemas/caller-name.ts'
import { GatewayError } from '../errors.ts'
import type { CommandCall, OptionSpec } from './command.ts'

/** For commands whose doing is kept in a history. */
export const BY_OPTION: OptionSpec = {
  flags: '--by <name>',
  description: 'who you are, for the history',
  defaultText: 'your login name',
}

/**
 * Whom the command says it is run by. CLI_USAGE for a name that cannot be one; a login name that cannot be
 * one is left out, because nobody has chosen it for this.
 */
export function callerName({ options, io }: Pick<CommandCall, 'options' | 'io'>): string | null {
  const given = options.text('by')
  if (given === undefined) return io.user !== null && isCallerName(io.user) ? io.user : null
  if (isCallerName(given)) return given
  const shape = `at most ${MAX_CALLER_LENGTH} letters, digits and . _ @ + -`
  throw new GatewayError('CLI_USAGE', { reason: `--by "${given}": a name is ${shape}` })
}
