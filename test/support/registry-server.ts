import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from './gateway.ts'

/** A real registry, as a process of its own. */
export interface RegistryServer {
  readonly kind: string
  /** The fields of an object that leads here, beside `kind` and `name`. */
  readonly fields: Readonly<Record<string, unknown>>
  /** `path` is `SERVICE/INSTANCE`. */
  put(path: string, value: string): Promise<void>
  remove(path: string): Promise<void>
  /** Without a farewell. */
  kill(): Promise<void>
  /** Starts it again where it was, with what it knew. */
  restart(): Promise<void>
}

interface ServerProcess {
  start(): Promise<void>
  kill(): Promise<void>
}

/** Starts a program of a Debian package over a folder of its own; a missing one is a failure, not a skip. */
export async function startServer(
  cleanup: Cleanup,
  program: string,
  debianPackage: string,
  argsOf: (dir: string) => readonly string[],
): Promise<ServerProcess> {
  if (!existsSync(program)) {
    throw new Error(`${program} is not installed: apt-get install ${debianPackage}`)
  }
  const dir = await mkdtemp(join(tmpdir(), 'penstock-registry-'))
  let child: ChildProcess | null = null
  const kill = async (): Promise<void> => {
    const running = child
    child = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
  const start = async (): Promise<void> => {
    await kill()
    child = spawn(program, argsOf(dir), { stdio: 'ignore', cwd: dir })
  }
  cleanup.add(async () => {
    await kill()
    await rm(dir, { recursive: true, force: true })
  })
  await start()
  return { start, kill }
}
