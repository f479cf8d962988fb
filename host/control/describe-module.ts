import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type PluginDescription, readDescription } from '../wasm/module/description.ts'
import { readModule } from '../wasm/module/reader.ts'
import { BASE64_MAGIC, isRemote, MODULE_MAX_BYTES } from '../wasm/module-source.ts'

/**
 * What the module says of itself that a field `code` names: a path, relative to `baseDir`, or base64. Null for one that
 * is somewhere else, cannot be read or is none: whoever opens it says why. Nothing of it is run.
 */
export function describeModule(code: string, baseDir: string): PluginDescription | null {
  if (isRemote(code)) return null
  try {
    return readDescription(readModule(bytesOf(code, baseDir)))
  } catch {
    // A module that is not built yet is no problem of the configuration, and opening tells what is wrong with one.
    return null
  }
}

function bytesOf(code: string, baseDir: string): Buffer {
  if (code.startsWith(BASE64_MAGIC)) return Buffer.from(code, 'base64')
  const file = resolve(baseDir, code)
  return statSync(file).size > MODULE_MAX_BYTES ? Buffer.alloc(0) : readFileSync(file)
}
