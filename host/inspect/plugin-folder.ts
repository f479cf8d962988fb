import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * The folder with the sources of the plugin that was made from one of `files`: `x/build/x.wasm` belongs to
 * `x`. Null for a module whose sources are not at hand.
 */
export function pluginFolder(files: readonly string[]): string | null {
  for (const file of files) {
    const folder = dirname(file)
    const candidate = basename(folder) === 'build' ? dirname(folder) : folder
    if (existsSync(join(candidate, 'index.ts'))) return candidate
  }
  return null
}
