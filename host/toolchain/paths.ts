import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../errors.ts'

/** The nearest `name` in `from` or a folder above it, or null. */
export function findUpwards(from: string, name: string): string | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const path = join(dir, name)
    if (existsSync(path)) return path
    if (dirname(dir) === dir) return null
  }
}

/**
 * The folder of `@penstock/sdk` for a plugin in `dir`: the one installed at or above the plugin, else the
 * one this package came with. TOOLCHAIN_SDK_MISSING when there is neither.
 */
export function sdkFolder(dir: string): string {
  const installed = join('node_modules', '@penstock', 'sdk', 'index.ts')
  const own = dirname(fileURLToPath(import.meta.url))
  const entry =
    findUpwards(dir, installed) ?? findUpwards(own, installed) ?? findUpwards(own, 'sdk/index.ts')
  if (entry === null) throw new GatewayError('TOOLCHAIN_SDK_MISSING', { dir })
  return dirname(entry)
}

/** The compiler's options, shared with plain `asc`: the `asconfig.json` this package came with. */
export function compilerConfig(): string {
  const own = dirname(fileURLToPath(import.meta.url))
  const path = findUpwards(own, 'asconfig.json')
  if (path === null)
    throw new GatewayError('TOOLCHAIN_MISSING', { reason: 'asconfig.json is gone' })
  return path
}
