import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { needProgram } from './missing-tool.ts'

/** The kernel counts CPU time in ticks of 1/100 s (sysconf(_SC_CLK_TCK) on every Linux there is). */
const TICK_US = 10_000

/** How long a server may take until it listens. */
const START_MS = 30_000

/** How long it may take to end by itself. */
const STOP_MS = 5_000

export interface StartOptions {
  /** The core all of its threads run on. */
  readonly core: number
  /** Waits until something listens there. */
  readonly port?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A server under test or one that helps: pinned to a core, and stopped with the benchmark. */
export class ServerProcess {
  readonly name: string
  readonly #child: ChildProcess
  #output = ''

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-4_000)
      })
    }
  }

  static async start(
    name: string,
    command: readonly string[],
    options: StartOptions,
  ): Promise<ServerProcess> {
    const child = spawn(
      needProgram('taskset', 'util-linux'),
      ['-c', String(options.core), ...command],
      {
        cwd: options.cwd ?? process.cwd(),
        env: { ...process.env, NODE_OPTIONS: '', ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const server = new ServerProcess(name, child)
    running.add(server)
    child.once('exit', () => running.delete(server))
    if (options.port !== undefined) await server.#listening(options.port)
    return server
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** User and system time of all threads so far, in microseconds. */
  cpuUs(): number {
    const fields = this.#stat()
    return (Number(fields[11]) + Number(fields[12])) * TICK_US
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    const isLate = await Promise.race([ended.then(() => false), sleep(STOP_MS, true)])
    if (isLate) this.#child.kill('SIGKILL')
    await ended
  }

  /** The fields of /proc/PID/stat after the name, which may hold spaces: the first of them is the state. */
  #stat(): string[] {
    const text = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  }

  async #listening(port: number): Promise<void> {
    const deadline = Date.now() + START_MS
    while (!(await isListening(port))) {
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${this.name} does not listen on ${port}:\n${this.#output}`)
      }
      await sleep(50)
    }
  }
}

/** Ends every server that still runs; for the end of the program, however it comes. */
export async function stopAll(): Promise<void> {
  await Promise.all(Array.from(running, (server) => server.stop()))
}

const running = new Set<ServerProcess>()

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
