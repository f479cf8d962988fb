import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DEFAULT_DATA_DIR } from './api-client.ts'
import type { CliIo } from './io.ts'

/**
 * The data directory of a gateway with this configuration: the given one, else beside the configuration, in
 * its folder, or in the working folder when it comes from standard input.
 */
export async function dataDirOf(
  given: string | null,
  files: readonly string[],
  io: Pick<CliIo, 'cwd'>,
): Promise<string> {
  if (given !== null) return resolve(io.cwd, given)
  const first = files[0] ?? '-'
  if (first === '-') return resolve(io.cwd, DEFAULT_DATA_DIR)
  const path = resolve(io.cwd, first)
  const folder = (await isFolder(path)) ? path : dirname(path)
  return resolve(folder, DEFAULT_DATA_DIR)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    // It is reported with the reason when the configuration is read.
    return false
  }
}
