import { pino } from 'pino'
import { escapeControls, formatHuman } from './log-format.ts'

/** The levels a log can be set to, the quietest last. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogMethod {
  (message: string): void
  /** Fields first, so that the message stays the same text for every line of its sort. */
  (fields: Readonly<Record<string, unknown>>, message: string): void
}

/**
 * Writes one line a call and never waits for it.
 *
 *     log.warn({ pipeline: 'demo', ms: 12 }, 'the drain took long')
 */
export interface Logger {
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  /** A logger that adds `bindings` to each of its lines. */
  child(bindings: Readonly<Record<string, unknown>>): Logger
  /** Ask before building a text that is expensive. */
  isLevelEnabled(level: Exclude<LogLevel, 'silent'>): boolean
}

/** Where lines go. `write` takes one whole line, its line feed included, and never blocks. */
export interface LogDestination {
  write(line: string): void
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly destination: LogDestination
  /** A compact line for people instead of JSON. */
  readonly pretty: boolean
  /** Colors in the pretty line. Default false. */
  readonly color?: boolean
}

/**
 * Makes the root logger. Lines are JSON (`time`, `level`, the fields, `msg`) or, with `pretty`, text for a
 * terminal. No control character of a field reaches the destination: neither can forge a second line.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { destination, pretty, color = false } = options
  const write = pretty
    ? (line: string) => destination.write(formatHuman(line, color))
    : (line: string) => destination.write(escapeControls(line))
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
    },
    { write },
  )
}

/** A logger that says nothing, for parts that are used without a gateway. */
export function silentLogger(): Logger {
  return createLogger({ level: 'silent', destination: { write: () => undefined }, pretty: false })
}
