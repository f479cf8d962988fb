import { readSourceMapFile } from '../wasm/keep-source-map.ts'
import type { ModuleInfo } from '../wasm/module/module-info.ts'
import { readModule } from '../wasm/module/reader.ts'
import { hasSourceMapInside, sourceMapBeside } from '../wasm/source-map.ts'

/** The source map that lies beside a module. */
export interface SourceMapFile {
  readonly path: string
  /** Fails with PLUGIN_SOURCE_MAP when it is larger than a gateway takes, or cannot be read. */
  read(): Promise<Uint8Array>
}

/** The source map to push with a module; null when there is none, or when the module holds its own. */
export function sourceMapFileOf(file: string, module: Uint8Array): SourceMapFile | null {
  const info = infoOf(module)
  if (info !== null && hasSourceMapInside(info)) return null
  const path = sourceMapBeside(file, info)
  return path === null ? null : { path, read: () => readSourceMapFile(path) }
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
