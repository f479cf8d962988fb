import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'

/** The file in the data directory that holds the token of the admin API. */
export const TOKEN_FILE = 'admin.token'

const TOKEN_BYTES = 32

/** What a token must look like: long enough that nobody guesses it, and safe in a header. */
const TOKEN = /^[A-Za-z0-9_-]{32,256}$/

/**
 * The token of this data directory, made at the first start: 32 random bytes as base64url, in a file that
 * only its owner can read. An existing file is used again; one that others can read is refused with
 * ADMIN_TOKEN_FILE, because whoever read it controls the gateway.
 */
export async function loadToken(dataDir: string): Promise<string> {
  const existing = await readToken(dataDir)
  if (existing !== null) return existing
  const path = join(dataDir, TOKEN_FILE)
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    return await createToken(path)
  } catch (error) {
    // Another process that starts at the same moment may have been first: then its token is the token.
    if (codeOf(error) === 'EEXIST') {
      const winner = await readToken(dataDir)
      if (winner !== null) return winner
    }
    throw tokenError(path, error)
  }
}

/** The token of this data directory, or null when it has none. ADMIN_TOKEN_FILE when it cannot be used. */
export async function readToken(dataDir: string): Promise<string | null> {
  const path = join(dataDir, TOKEN_FILE)
  try {
    // The checks look at the open file, so that it cannot be exchanged between them and the read.
    const handle = await open(path, 'r')
    try {
      const kind = await handle.stat()
      if (!kind.isFile()) throw unusable(path, 'it is not a file')
      if (process.platform !== 'win32' && (kind.mode & 0o077) !== 0) {
        const mode = (kind.mode & 0o777).toString(8).padStart(3, '0')
        throw unusable(path, `its mode is ${mode}, so that others than its owner can use it`)
      }
      const token = (await handle.readFile('latin1')).trim()
      if (!TOKEN.test(token)) {
        throw unusable(path, 'it does not hold one line of 32 to 256 letters, digits, - or _')
      }
      return token
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw tokenError(path, error)
  }
}

/** Written whole under another name and then linked: no reader ever sees half a token. */
async function createToken(path: string): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(`${token}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  return token
}

function unusable(path: string, reason: string): GatewayError {
  return new GatewayError('ADMIN_TOKEN_FILE', { path, reason })
}

function tokenError(path: string, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  return new GatewayError('ADMIN_TOKEN_FILE', { path, reason: reasonOf(error) }, error)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
