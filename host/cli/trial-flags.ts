import type { OptionSpec } from './command.ts'

/** The options that try a version on a share of the clients. */
export const TRIAL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--canary <share>',
    description: 'try it on this share of the clients, for instance 5%',
  },
  {
    flags: '--sticky <way>',
    description: 'what keeps a client with one version: client, header:NAME or cookie:NAME',
    defaultText: 'client, its address',
  },
  {
    flags: '--promote-after <time>',
    description: 'promote it when its gates have held for so long, for instance 10m',
    defaultText: 'only by hand',
  },
]
