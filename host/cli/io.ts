import type { Readable } from 'node:stream'
import type { LogDestination } from '../observe/log.ts'

/** A stream a command writes to. */
export interface CliWriter {
  write(text: string): unknown
  readonly isTerminal: boolean
}

export type CliSignal = 'SIGINT' | 'SIGTERM'

/** Everything a command touches outside itself, so that a test can run it without a process of its own. */
export interface CliIo {
  readonly stdout: CliWriter
  readonly stderr: CliWriter
  readonly stdin: Readable
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The login name of whoever runs the command; null when there is none. */
  readonly user: string | null
  /** Width of the terminal in cells; 0 when unknown. */
  readonly columns: number
  /** Where the log of a gateway goes: it must never wait for its reader. */
  openLog(): { readonly destination: LogDestination; close(): Promise<void> }
  /**
   * Takes SIGINT and SIGTERM over from the process, which otherwise ends at once (130 and 143). Returns
   * what gives them back.
   */
  takeSignals(listener: (signal: CliSignal) => void): () => void
}

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The check failed, or the gateway refused. */
  refused: 1,
  /** Wrong usage, a file that cannot be read, a gateway that cannot be reached. */
  usage: 2,
  /** Ctrl-C. */
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Colors on this writer? FORCE_COLOR decides first, then NO_COLOR, then whether it is a terminal. */
export function hasColor(writer: CliWriter, env: CliIo['env']): boolean {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined && forced !== '') return forced !== '0'
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  return writer.isTerminal && env['TERM'] !== 'dumb'
}
