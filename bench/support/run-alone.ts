import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerProcess, stopAll } from './process.ts'
import { FIRST_PORT, LOAD_CORE, SERVER_CORE, type Target, warmUp } from './target.ts'

/** A target that runs alone, with the upstream behind it. */
export interface Alone {
  readonly port: number
  readonly server: ServerProcess
  /** The folder the target was given. */
  readonly folder: string
}

/** Starts and warms one target, and stops it when `use` has ended. */
export async function runAlone<T>(target: Target, use: (alone: Alone) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  const upstream = join(import.meta.dirname, '../upstream.ts')
  try {
    await ServerProcess.start('upstream', [process.execPath, upstream, String(FIRST_PORT)], {
      core: LOAD_CORE,
      port: FIRST_PORT,
    })
    const port = FIRST_PORT + 1
    const command = target.command(port, FIRST_PORT, folder, null)
    const server = await ServerProcess.start(target.name, command, { core: SERVER_CORE, port })
    await warmUp(port)
    return await use({ port, server, folder })
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}
