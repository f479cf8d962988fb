import { readFile, stat } from 'node:fs/promises'
import { GatewayError, reasonOf } from '../errors.ts'
import type { ModuleInfo } from './module/module-info.ts'
import type { PluginStore } from './plugin-store.ts'
import { keptSourceMap } from './pushed-source-map.ts'
import { hasSourceMapInside, SOURCE_MAP_MAX_BYTES, sourceMapBeside } from './source-map.ts'

/**
 * Keeps the source map beside `file` with the stored module that was read from there: when it runs again after a
 * roll-back, the file holds something else, and so does its map. Fails with PLUGIN_SOURCE_MAP.
 */
export async function keepMapBeside(
  store: PluginStore,
  digest: string,
  file: string,
  info: ModuleInfo,
): Promise<void> {
  if (hasSourceMapInside(info)) return
  const path = sourceMapBeside(file, info)
  // A map may have come after its module; what is kept then is that of the module before.
  if (path === null || !(await isNewer(path, store.mapFile(digest)))) return
  await store.putMap(digest, keptSourceMap(await readSourceMapFile(path)))
}

/** The bytes of a source map. PLUGIN_SOURCE_MAP when it is larger than a gateway takes, or cannot be read. */
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

/** Also when there is no `other`. */
async function isNewer(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([stat(path), statIfThere(other)])
  return two === null || one.mtimeMs > two.mtimeMs
}

async function statIfThere(path: string): Promise<{ readonly mtimeMs: number } | null> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
