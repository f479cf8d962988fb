import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { InputFile } from './compile.ts'

/** A source the compiler was given. */
export interface ServedSource {
  readonly path: string
  readonly text: string
}

const SDK_FOLDER = /(?:^|[\\/])node_modules[\\/]@penstock[\\/]sdk[\\/](.+)$/

/**
 * The files of one compilation: reads them for the compiler, leads its search for `@penstock/sdk` to the
 * right folder, serves texts that are no files, and remembers what was read, so that a later build can
 * tell whether anything changed.
 */
export class InputFiles {
  readonly #sdk: string
  readonly #dir: string
  readonly #virtual = new Map<string, string>()
  readonly #texts = new Map<string, string>()
  readonly #inputs = new Map<string, string | null>()

  /** `sdk` and `dir`, the plugin's folder, are absolute. */
  constructor(sdk: string, dir: string) {
    this.#sdk = sdk
    this.#dir = dir
  }

  /** Answers reads of `name` with a text that is no file. */
  serve(name: string, text: string): void {
    this.#virtual.set(name, text)
  }

  /** For the compiler: the text of a file, or null when it is not there. */
  read(name: string, baseDir: string): string | null {
    const text = this.#virtual.get(name)
    if (text !== undefined) return text
    const inSdk = SDK_FOLDER.exec(name)?.[1]
    const path = inSdk === undefined ? resolve(baseDir, name) : join(this.#sdk, inSdk)
    try {
      return this.readPath(path)
    } catch {
      // The compiler tries several places for one import.
      return null
    }
  }

  /** The text of a file, remembered as an input. Throws what reading throws. */
  readPath(path: string): string {
    const bytes = readFileSync(path)
    const text = bytes.toString('utf8')
    this.#texts.set(path, text)
    this.#inputs.set(path, sha256(bytes))
    return text
  }

  /** Remembers a file as an input whether it is there or not: a build is old when that changes. */
  note(path: string): void {
    this.#inputs.set(path, digestOf(path))
  }

  list(): InputFile[] {
    return [...this.#inputs].map(([path, digest]) => ({ path, sha256: digest }))
  }

  /** The file behind a path as the compiler writes it; null for its own library and the made entry. */
  source(normalizedPath: string): ServedSource | null {
    const inSdk = /^~lib\/@penstock\/sdk\/(.+)$/.exec(normalizedPath)?.[1]
    let path: string | undefined
    if (inSdk !== undefined) path = join(this.#sdk, inSdk)
    else if (normalizedPath.startsWith('~lib/')) {
      const end = join('node_modules', normalizedPath.slice(5))
      path = [...this.#texts.keys()].find((known) => known.endsWith(end))
    } else path = resolve(this.#dir, normalizedPath)
    const text = path === undefined ? undefined : this.#texts.get(path)
    return path === undefined || text === undefined ? null : { path, text }
  }

  /** The version in the SDK's package file. */
  sdkVersion(): string {
    const { version } = JSON.parse(this.readPath(join(this.#sdk, 'package.json'))) as {
      version: string
    }
    return version
  }
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The digest of a file's bytes, or null when it cannot be read. */
export function digestOf(path: string): string | null {
  try {
    return sha256(readFileSync(path))
  } catch {
    return null
  }
}
