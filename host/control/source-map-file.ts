import { readFile, stat } from 'node:fs/promises'
import { GatewayError, reasonOf } from '../errors.ts'
import type { ModuleInfo } from '../wasm/module/module-info.ts'
import { readModule } from '../wasm/module/reader.ts'
import { hasSourceMapInside, SOURCE_MAP_MAX_BYTES, sourceMapBeside } from '../wasm/source-map.ts'

/** The file of the source map to push with a module; null when there is none, or when the module holds its own. */
export function sourceMapFileOf(file: string, module: Uint8Array): string | null {
  const info = infoOf(module)
  if (info !== null && hasSourceMapInside(info)) return null
  return sourceMapBeside(file, info)
}

/** The bytes of such a file. PLUGIN_SOURCE_MAP when it is larger than a gateway takes, or cannot be read. */
export async function readSourceMapFile(path: string): Promise<Uint8Array> {
  let reason: string
  try {
    const { size } = await stat(path)
    if (size <= SOURCE_MAP_MAX_BYTES) return await readFile(path)
    reason = `${size} bytes are more than the ${SOURCE_MAP_MAX_BYTES} it may have`
  } catch (error) {
    throw new GatewayError('PLUGIN_SOURCE_MAP', { reason: reasonOf(error) }, error)
  }
  throw new GatewayError('PLUGIN_SOURCE_MAP', { reason })
}

/** Null for a module that cannot be read: then only the usual name is looked for. */
function infoOf(module: Uint8Array): ModuleInfo | null {
  try {
    return readModule(module)
  } catch {
    // What is wrong with it is the gateway's to say, which is sent it.
    return null
  }
}
