import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cleanup, until } from './gateway.ts'

const COMMAND = join(import.meta.dirname, '../../host/bin/penstock.cjs')
const NEVER_OVERLOADED = join(import.meta.dirname, 'never-overloaded.ts')

export interface Served {
  readonly dir: string
  readonly process: ChildProcess
  /** Everything it has written. */
  log(): string
  write(name: string, content: string | Uint8Array): Promise<void>
  /** Runs another command of the same binary in the same folder. */
  command(...args: string[]): Promise<{ code: number; output: string }>
}

export interface ServeOptions {
  /** Whether it turns requests away when its process is overloaded; default it never is. */
  readonly canOverload?: boolean
}

/** `penstock serve` as a process of its own, over files in a folder of its own. */
export async function serve(
  cleanup: Cleanup,
  files: Readonly<Record<string, string | Uint8Array>>,
  args: readonly string[] = [],
  { canOverload = false }: ServeOptions = {},
): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-serve-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content)
  const child = spawn(
    process.execPath,
    [
      ...(canOverload ? [] : ['--import', NEVER_OVERLOADED]),
      ...[COMMAND, 'serve', '-f', 'gateway.yaml', ...args],
    ],
    { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  child.stdout.on('data', (chunk) => {
    log += chunk
  })
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  cleanup.add(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    await rm(dir, { recursive: true, force: true })
  })
  await until(() => log.includes('serving') || child.exitCode !== null, 'it serves', 60_000)
  if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}:\n${log}`)
  return {
    dir,
    process: child,
    log: () => log,
    write: (name, content) => writeFile(join(dir, name), content),
    command: async (...more) => {
      const other = spawn(process.execPath, [COMMAND, ...more], { cwd: dir })
      let output = ''
      other.stdout.on('data', (chunk) => {
        output += chunk
      })
      other.stderr.on('data', (chunk) => {
        output += chunk
      })
      const [code] = await once(other, 'exit')
      return { code: Number(code), output }
    },
  }
}
