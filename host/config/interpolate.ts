import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'
import type { Problem } from './issues.ts'
import { isJsonObject, type JsonObject, type JsonPath, type JsonValue, pathKey } from './json.ts'

/** Where the values of `${…}` come from. */
export interface Lookups {
  readonly env: Readonly<Record<string, string | undefined>>
  /**
   * Reads a file for `${file:PATH}`; throws when it cannot. Null where files may not be read: a document
   * that came over the network must not fetch files of this machine.
   */
  readonly readFile: ((path: string, baseDir: string) => string) | null
}

/** Bytes of a file that `${file:PATH}` reads. */
export const MAX_VALUE_FILE_BYTES = 1024 * 1024

/** What `interpolate` put in. */
export interface Interpolated {
  readonly data: JsonObject
  /** False when `data` says what was given: nothing was put in, and no `$${` became `${`. */
  readonly isChanged: boolean
  /** The text as it was written, for each value that changed, by `pathKey`. */
  readonly written: ReadonlyMap<string, string>
  /** Of these, the paths whose value came from outside the text: it is never printed. */
  readonly secret: ReadonlySet<string>
  /** Paths whose value could not be found; the text stands there as it was written. */
  readonly missing: ReadonlySet<string>
  readonly problems: readonly Problem[]
}

/**
 * Fields whose text has a `${…}` of its own: Go templates, Go regular expression replacements, nginx
 * variables, policies. A bare `${NAME}` in them, or below them, is theirs; `${env:NAME}` is ours
 * everywhere.
 */
const OWN_SYNTAX = new Set([
  'accessLogFormat',
  'policy',
  'replace',
  'replacement',
  'rewriteTarget',
  'setHeaders',
  'template',
])

/** The inside ends before the next `${`: an unclosed one must not hide the one after it. */
const REFERENCE = /(\$)?\$\{((?:(?!\$\{)[^}])*)(\})?/g
const BARE = /^([A-Z_][A-Z0-9_]*)(?::-(.*))?$/s
const ENV = /^env:([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/** The lookups of this process: its environment, and files relative to the configuration. */
export function processLookups(): Lookups {
  return { env: process.env, readFile: readValueFile }
}

/**
 * Replaces references in the texts of a document, never in its syntax and never in keys, and what is put
 * in is not looked at again:
 *
 *     ${env:NAME}  ${env:NAME:-default}    anywhere; the default also when the variable is empty
 *     ${NAME}      ${NAME:-default}        capital letters, outside the fields with their own syntax
 *     ${file:PATH}                         the file's text without its last line end
 *     $${                                  a literal ${
 *
 * Anything else in `${…}` stays as it is. The data given is left unchanged.
 */
export function interpolate(data: JsonObject, lookups: Lookups, baseDir: string): Interpolated {
  const run = new Interpolation(lookups, baseDir)
  const copy = run.object(data, [], false)
  const { isChanged, written, secret, missing, problems } = run
  return { data: copy, isChanged, written, secret, missing, problems }
}

class Interpolation {
  isChanged = false
  readonly written = new Map<string, string>()
  readonly secret = new Set<string>()
  readonly missing = new Set<string>()
  readonly problems: Problem[] = []
  readonly #lookups: Lookups
  readonly #baseDir: string

  constructor(lookups: Lookups, baseDir: string) {
    this.#lookups = lookups
    this.#baseDir = baseDir
  }

  object(source: JsonObject, path: JsonPath, isOwnSyntax: boolean): JsonObject {
    const copy: JsonObject = {}
    for (const [key, value] of Object.entries(source)) {
      copy[key] = this.#value(value, [...path, key], isOwnSyntax || OWN_SYNTAX.has(key))
    }
    return copy
  }

  #value(value: JsonValue, path: JsonPath, isOwnSyntax: boolean): JsonValue {
    if (typeof value === 'string') return this.#text(value, path, isOwnSyntax)
    if (Array.isArray(value)) {
      return value.map((item, index) => this.#value(item, [...path, index], isOwnSyntax))
    }
    return isJsonObject(value) ? this.object(value, path, isOwnSyntax) : value
  }

  #text(text: string, path: JsonPath, isOwnSyntax: boolean): string {
    if (!text.includes('${')) return text
    let hasLookup = false
    const result = text.replace(
      REFERENCE,
      (all: string, escaping: string | undefined, inside: string, close: string | undefined) => {
        const isOurs = inside.startsWith('env:') || inside.startsWith('file:')
        if (escaping !== undefined) return isOwnSyntax && !isOurs ? all : all.slice(1)
        if (!isOurs && (isOwnSyntax || !BARE.test(inside))) return all
        if (close === undefined) return this.#fail(path, `"\${${inside}" has no closing brace`, all)
        hasLookup = true
        return this.#lookup(inside, path) ?? all
      },
    )
    if (hasLookup) this.written.set(pathKey(path), text)
    if (hasLookup || result !== text) this.isChanged = true
    return result
  }

  #lookup(inside: string, path: JsonPath): string | undefined {
    if (inside.startsWith('file:')) return this.#file(inside.slice('file:'.length), path)
    const match = ENV.exec(inside) ?? BARE.exec(inside)
    const name = match?.[1]
    if (name === undefined) {
      this.#fail(path, `"\${${inside}}" does not name an environment variable`, '')
      return undefined
    }
    const env = this.#lookups.env
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    const fallback = match?.[2]
    if (fallback !== undefined && (value === undefined || value === '')) return fallback
    if (value !== undefined) this.secret.add(pathKey(path))
    else {
      this.#fail(path, `the environment variable ${name} is not set and has no default`, '')
    }
    return value
  }

  #file(file: string, path: JsonPath): string | undefined {
    if (this.#lookups.readFile === null) {
      this.#fail(path, `"\${file:${file}}" is not allowed here: files are read for files only`, '')
      return undefined
    }
    this.secret.add(pathKey(path))
    try {
      return this.#lookups.readFile(file, this.#baseDir).replace(/\r?\n$/, '')
    } catch (error) {
      this.#fail(path, reasonOf(error), '')
      return undefined
    }
  }

  #fail(path: JsonPath, message: string, keep: string): string {
    this.missing.add(pathKey(path))
    this.problems.push({ path, message })
    return keep
  }
}

function readValueFile(path: string, baseDir: string): string {
  const absolute = resolve(baseDir, path)
  const refuse = (reason: string, cause?: unknown) =>
    new GatewayError('CONFIG_READ', { path, reason }, cause)
  let bytes: Buffer
  try {
    const stats = statSync(absolute)
    if (!stats.isFile()) throw refuse('it is not a file')
    if (stats.size > MAX_VALUE_FILE_BYTES) throw refuse('it is larger than 1 MiB')
    bytes = readFileSync(absolute)
  } catch (error) {
    if (error instanceof GatewayError) throw error
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    throw refuse(isMissing ? 'no such file' : reasonOf(error), error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw refuse('it is not UTF-8 text', error)
  }
}
