import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'

/** The largest module that is read at all; what a module may contain is the gate's business. */
export const MODULE_MAX_BYTES = 32 * 1024 * 1024

/** Base64 of the magic number: how Easegress tells inline code from a path. */
const BASE64_MAGIC = 'AGFzbQ'

export interface ModuleSource {
  readonly bytes: Buffer
  /** The file that was read, to be watched; null for inline code. */
  readonly file: string | null
}

/** Reads what the field `code` of a WasmHost names: a path, relative to `baseDir`, or base64. */
export async function readModuleSource(code: string, baseDir: string): Promise<ModuleSource> {
  if (code.startsWith(BASE64_MAGIC)) {
    return { bytes: Buffer.from(code, 'base64'), file: null }
  }
  if (/^https?:\/\//.test(code)) {
    throw new GatewayError('GUEST_CODE_READ', {
      source: code,
      reason: 'code from a URL is not supported yet; download it and name the file',
    })
  }
  const file = resolve(baseDir, code)
  try {
    const { size } = await stat(file)
    if (size > MODULE_MAX_BYTES) {
      throw new GatewayError('GUEST_CODE_READ', {
        source: file,
        reason: `${size} bytes are more than the ${MODULE_MAX_BYTES} a module may have`,
      })
    }
    return { bytes: await readFile(file), file }
  } catch (error) {
    if (error instanceof GatewayError) throw error
    throw new GatewayError('GUEST_CODE_READ', { source: file, reason: reasonOf(error) }, error)
  }
}
