import type { CommandOptions, OptionSpec } from './command.ts'

/** For configurations that move here: what other gateways allow and this one does not is a warning. */
export const COMPAT_OPTION: OptionSpec = {
  flags: '--compat <gateway>',
  description:
    'for a configuration that moves here: unknown fields are warnings and are left out, an upstream that is late is 408',
  choices: ['easegress'],
}

export function isCompatible(options: CommandOptions): boolean {
  return options.text('compat') === 'easegress'
}
