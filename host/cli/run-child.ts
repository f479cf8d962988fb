import { spawn } from 'node:child_process'
import type { CliIo } from './io.ts'

/** What a program that a command started came to. */
export interface ChildEnd {
  /** Its exit code; 1 when a signal ended it. */
  readonly code: number
  /** True when it was ended because the command was asked to end. */
  readonly isInterrupted: boolean
}

/**
 * Runs a script on the Node of this process and passes on what it writes, colors included where they are
 * wanted. SIGINT and SIGTERM go to the child, which is waited for.
 */
export function runNode(args: readonly string[], cwd: string, io: CliIo): Promise<ChildEnd> {
  // A test runner that runs this command must not take the child for one of its own.
  const { NODE_TEST_CONTEXT: _, ...env } = io.env
  const color = io.stdout.isTerminal && !env['NO_COLOR'] ? { FORCE_COLOR: '1' } : {}
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      cwd,
      env: { ...env, ...color },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let isInterrupted = false
    const giveBack = io.takeSignals((signal) => {
      isInterrupted = true
      child.kill(signal)
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => io.stdout.write(text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => io.stderr.write(text))
    child.on('error', (error) => {
      giveBack()
      reject(error)
    })
    child.on('close', (code) => {
      giveBack()
      resolve({ code: code ?? 1, isInterrupted })
    })
  })
}
