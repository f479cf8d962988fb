import { Readable } from 'node:stream'
import type { CliIo, CliSignal } from '../../host/cli/io.ts'
import { runCli } from '../../host/cli/main.ts'
import type { AdminRig } from '../admin/support.ts'

/** An io in memory, with what was written to it. */
export interface FakeIo extends CliIo {
  readonly out: () => string
  readonly err: () => string
  /** Log lines, one entry each. */
  readonly logged: string[]
  /** Sends a signal to whoever has taken them; false when nobody has. */
  signal(signal: CliSignal): boolean
}

export interface FakeIoOptions {
  readonly cwd?: string
  readonly user?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly isTerminal?: boolean
}

export function fakeIo(options: FakeIoOptions = {}): FakeIo {
  const written = { out: '', err: '' }
  const listeners: ((signal: CliSignal) => void)[] = []
  const logged: string[] = []
  const isTerminal = options.isTerminal ?? false
  return {
    stdout: { write: (text) => (written.out += text), isTerminal },
    stderr: { write: (text) => (written.err += text), isTerminal },
    stdin: Readable.from([options.stdin ?? '']),
    env: options.env ?? {},
    cwd: options.cwd ?? process.cwd(),
    user: options.user ?? null,
    columns: 0,
    openLog: () => ({
      destination: { write: (line) => void logged.push(line) },
      close: () => Promise.resolve(),
    }),
    takeSignals: (listener) => {
      listeners.push(listener)
      return () => void listeners.splice(listeners.indexOf(listener), 1)
    },
    out: () => written.out,
    err: () => written.err,
    logged,
    signal: (signal) => {
      listeners.at(-1)?.(signal)
      return listeners.length > 0
    },
  }
}

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line against a running admin API. */
export async function runAgainst(
  rig: AdminRig,
  argv: readonly string[],
  options: FakeIoOptions = {},
): Promise<CliResult> {
  const env = {
    PENSTOCK_SERVER: `http://127.0.0.1:${rig.server.port}`,
    PENSTOCK_DATA_DIR: rig.dataDir,
    ...options.env,
  }
  return await run(argv, { ...options, env })
}

export async function run(
  argv: readonly string[],
  options: FakeIoOptions = {},
): Promise<CliResult> {
  const io = fakeIo(options)
  const code = await runCli(argv, io)
  return { code, out: io.out(), err: io.err() }
}
