import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The bytes of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

let temporaryNames = 0

/** Writes a file so that it is there whole or not at all. */
export async function writeAtomic(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  temporaryNames += 1
  const temporary = `${path}.${process.pid}.${temporaryNames}.tmp`
  await writeFile(temporary, bytes, { mode, flush: true })
  await rename(temporary, path)
}
