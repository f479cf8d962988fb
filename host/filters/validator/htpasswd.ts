import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { apr1 } from './apr1.ts'

/** Successful checks that are remembered: bcrypt takes 50 ms and more for each. */
export const MAX_REMEMBERED = 1_000
/** Checks by bcrypt that may run at a time; more are refused. */
export const MAX_RUNNING_CHECKS = 16

/**
 * Users and the hashes of their passwords, as `htpasswd` writes them: bcrypt (`$2y$`), SHA-1 (`{SHA}`) and
 * Apache's MD5 (`$apr1$`). Passwords in plain text and `crypt` are refused when the file is read.
 */
export class Htpasswd {
  readonly #hashes: ReadonlyMap<string, string>
  /** Keyed anew in each process: what is remembered says nothing about a password. */
  readonly #key = randomBytes(32)
  readonly #remembered = new Set<string>()
  #running = 0

  constructor(hashes: ReadonlyMap<string, string>) {
    this.#hashes = hashes
  }

  get size(): number {
    return this.#hashes.size
  }

  /** Is this the password of this user? */
  async matches(user: string, password: string): Promise<boolean> {
    const hash = this.#hashes.get(user)
    // An unknown user takes as long as a known one with a cheap hash; names are no secret of this file.
    if (hash === undefined) return false
    if (hash.startsWith('{SHA}')) return isEqual(sha1(password), hash.slice('{SHA}'.length))
    if (hash.startsWith('$apr1$')) return isEqual(apr1(password, hash.split('$')[2] ?? ''), hash)
    const memory = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, password, hash]))
      .digest('base64')
    if (this.#remembered.has(memory)) return true
    if (this.#running >= MAX_RUNNING_CHECKS) return false
    this.#running += 1
    try {
      const { compare } = await import('bcryptjs')
      const isGood = await compare(password, hash)
      if (isGood) this.#remember(memory)
      return isGood
    } finally {
      this.#running -= 1
    }
  }

  #remember(memory: string): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.add(memory)
  }
}

export interface ParsedHtpasswd {
  readonly hashes: ReadonlyMap<string, string>
  /** What is wrong with lines, with their numbers. */
  readonly problems: readonly string[]
}

/** Reads the text of an htpasswd file. Comments and empty lines are passed over. */
export function parseHtpasswd(text: string): ParsedHtpasswd {
  const hashes = new Map<string, string>()
  const problems: string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const colon = trimmed.indexOf(':')
    const hash = trimmed.slice(colon + 1)
    if (colon < 1) problems.push(`line ${index + 1}: not USER:HASH`)
    else if (!isKnownHash(hash)) {
      problems.push(`line ${index + 1}: a hash that is neither bcrypt, {SHA} nor $apr1$`)
    } else hashes.set(trimmed.slice(0, colon), hash)
  }
  return { hashes, problems }
}

function isKnownHash(hash: string): boolean {
  return (
    /^\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}$/.test(hash) ||
    /^\{SHA\}[A-Za-z0-9+/]{27}=$/.test(hash) ||
    /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/.test(hash)
  )
}

function sha1(password: string): string {
  return createHash('sha1').update(password, 'utf8').digest('base64')
}

function isEqual(a: string, b: string): boolean {
  const x = Buffer.from(a, 'latin1')
  const y = Buffer.from(b, 'latin1')
  return x.length === y.length && timingSafeEqual(x, y)
}
