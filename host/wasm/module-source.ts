import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'

/** The largest module that is read at all; what a module may contain is the gate's business. */
export const MODULE_MAX_BYTES = 32 * 1024 * 1024

/** Base64 of the magic number: how Easegress tells inline code from a path. */
export const BASE64_MAGIC = 'AGFzbQ'

export interface ModuleSource {
  readonly bytes: Buffer
  /** The file that was read, to be watched; null for inline code. */
  readonly file: string | null
}

/** Is this a URL, to be downloaded once? */
export function isRemote(code: string): boolean {
  return /^https?:\/\//i.test(code)
}

/**
 * Whether a module may be got from there: by https, or by http from this machine. What arrives is compared
 * with the digest of the configuration either way; https keeps others from seeing and delaying it.
 */
export function isRemoteAllowed(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? { protocol: '', hostname: '' }
  if (protocol === 'https:') return true
  return protocol === 'http:' && /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(hostname)
}

/** GUEST_DIGEST unless the SHA-256 of these bytes is `sha256`, 64 hexadecimal digits. */
export function checkModuleDigest(source: string, bytes: Uint8Array, sha256: string): void {
  const seen = createHash('sha256').update(bytes).digest('hex')
  if (seen !== sha256) throw new GatewayError('GUEST_DIGEST', { source, expected: sha256, seen })
}

/** Reads what the field `code` of a WasmHost names: a path, relative to `baseDir`, or base64. */
export async function readModuleSource(code: string, baseDir: string): Promise<ModuleSource> {
  if (code.startsWith(BASE64_MAGIC)) {
    return { bytes: Buffer.from(code, 'base64'), file: null }
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
