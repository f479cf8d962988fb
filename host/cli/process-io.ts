import { userInfo } from 'node:os'
import { openLineWriter } from '../observe/line-writer.ts'
import { type CliIo, type CliSignal, EXIT } from './io.ts'

/** The io of a real process: its streams, its environment and its signals. */
export function processIo(): CliIo {
  const listeners: ((signal: CliSignal) => void)[] = []
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const listener = listeners.at(-1)
      if (listener !== undefined) listener(signal)
      else process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated)
    })
  }
  // A reader that leaves early (`penstock get | head`) is no failure; without a listener it would be one.
  process.stdout.on('error', ignore)
  process.stderr.on('error', ignore)
  return {
    stdout: writer(process.stdout),
    stderr: writer(process.stderr),
    // Opened when a command reads it: an open input would keep every other command running.
    get stdin() {
      return process.stdin
    },
    env: process.env,
    cwd: process.cwd(),
    get user() {
      return loginName()
    },
    columns: process.stdout.columns ?? 0,
    openLog: () => {
      const destination = openLineWriter(1)
      return { destination, close: () => destination.close() }
    },
    takeSignals: (listener) => {
      listeners.push(listener)
      return () => {
        const index = listeners.indexOf(listener)
        if (index >= 0) listeners.splice(index, 1)
      }
    },
  }
}

function writer(stream: NodeJS.WriteStream): CliIo['stdout'] {
  return { write: (text) => stream.write(text), isTerminal: stream.isTTY === true }
}

function loginName(): string | null {
  try {
    return userInfo().username
  } catch {
    // A container may run under a number without an entry in the list of users.
    return null
  }
}

function ignore(): void {
  // Nothing to do: what is written from now on has no reader.
}
