import type { CliIo, ExitCode } from './io.ts'

/** How results are written: for people, or as data. */
export const OUTPUT_FORMATS = ['default', 'json', 'yaml'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** The options every command takes, as flag, else from the environment, else their default. */
export interface GlobalOptions {
  /** Where the admin API is. PENSTOCK_SERVER; default http://127.0.0.1:2381. */
  readonly server: string
  /** PENSTOCK_TOKEN; null when the token file of the data directory is to be read. */
  readonly token: string | null
  /** PENSTOCK_DATA_DIR; null when the command decides. */
  readonly dataDir: string | null
  readonly output: OutputFormat
}

/** The options of one command, as they were given. */
export interface CommandOptions {
  text(name: string): string | undefined
  /** Every value of a repeatable option, in order. */
  list(name: string): readonly string[]
  flag(name: string): boolean
}

export interface CommandCall {
  /** The arguments, those of a repeatable one at the end. */
  readonly args: readonly string[]
  readonly options: CommandOptions
  readonly global: GlobalOptions
  readonly io: CliIo
}

export interface ArgumentSpec {
  /** `<file>` must be given, `[kind]` may be, `[names...]` repeats. */
  readonly name: string
  readonly description: string
}

export interface OptionSpec {
  /** `-f, --file <path>`; without a value it is a flag. */
  readonly flags: string
  readonly description: string
  readonly isRepeatable?: boolean
  readonly choices?: readonly string[]
  /** Written into the help; the command itself applies it. */
  readonly defaultText?: string
}

/** One command: its help is made from this, and one file has one. */
export interface Command {
  /** `get`, or `plugin push` for one of a group. */
  readonly name: string
  /** One line, lowercase, without a full stop. */
  readonly summary: string
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Command lines that work, each shown in the help. */
  readonly examples: readonly string[]
  /** Called with these options, its memory counts for more than its speed. Default: never. */
  readonly holdsFootprint?: (options: CommandOptions) => boolean
  run(call: CommandCall): Promise<ExitCode>
}

export function defineCommand(command: Command): Command {
  return Object.freeze(command)
}
