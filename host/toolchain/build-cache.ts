import { readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Compiled, CompileRequest } from './compile.ts'
import type { Diagnostic } from './diagnostic.ts'
import { digestOf, sha256 } from './input-files.ts'
import { compilerConfig } from './paths.ts'
import type { ModuleDescription } from './section.ts'

/** What lies beside a module and tells whether it is still what its sources say. */
interface BuildRecord {
  /** Compiler, options and toolchain. */
  readonly key: string
  /** Paths are relative to the module, so that a copied checkout is not compiled again. */
  readonly inputs: readonly { readonly path: string; readonly sha256: string | null }[]
  readonly output: string
  readonly description: ModuleDescription
  readonly diagnostics: readonly Diagnostic[]
}

/** A module that need not be built again. */
export interface CachedBuild {
  readonly description: ModuleDescription
  readonly diagnostics: readonly Diagnostic[]
}

/** The file with the record of a module. */
export function recordFileOf(outFile: string): string {
  return `${outFile}.build.json`
}

/**
 * The record of `outFile` when the module there is what this request would build: the same compiler,
 * options and toolchain, every input with the same content. Needs no compiler, a few milliseconds.
 */
export function findBuild(request: CompileRequest, outFile: string): CachedBuild | null {
  const record = readRecord(outFile)
  if (record === null || record.key !== buildKey(request)) return null
  if (digestOf(outFile) !== record.output) return null
  const base = dirname(outFile)
  const isCurrent = record.inputs.every(
    ({ path, sha256 }) => digestOf(resolve(base, path)) === sha256,
  )
  return isCurrent ? { description: record.description, diagnostics: record.diagnostics } : null
}

/**
 * The sources, as absolute paths, that are no longer what `outFile` was built from; none when there is no
 * record of a build beside it.
 */
export function changedInputs(outFile: string): string[] {
  const record = readRecord(outFile)
  if (record === null || digestOf(outFile) !== record.output) return []
  const base = dirname(outFile)
  return record.inputs
    .filter(({ path, sha256 }) => digestOf(resolve(base, path)) !== sha256)
    .map(({ path }) => resolve(base, path))
}

/** The text of the record that belongs beside `outFile`. */
export function buildRecord(request: CompileRequest, outFile: string, compiled: Compiled): string {
  const base = dirname(outFile)
  const record: BuildRecord = {
    key: buildKey(request),
    inputs: compiled.inputs.map(({ path, sha256 }) => ({ path: relative(base, path), sha256 })),
    output: sha256(compiled.wasm),
    description: compiled.description,
    diagnostics: compiled.diagnostics,
  }
  return `${JSON.stringify(record, null, 2)}\n`
}

function readRecord(outFile: string): BuildRecord | null {
  try {
    return JSON.parse(readFileSync(recordFileOf(outFile), 'utf8')) as BuildRecord
  } catch {
    // No record, or half of one: build.
    return null
  }
}

function buildKey(request: CompileRequest): string {
  const options = {
    entry: undefined,
    optimize: request.optimize ?? 3,
    debug: request.debug === true,
  }
  const config = readFileSync(compilerConfig(), 'utf8')
  return sha256(JSON.stringify([toolchainDigest(), compilerVersion(), config, options]))
}

let toolchain: string | null = null

/** Changes with the scan, the entry and everything else in this folder. */
function toolchainDigest(): string {
  if (toolchain === null) {
    const own = fileURLToPath(import.meta.url)
    const names = readdirSync(dirname(own)).filter((name) => extname(name) === extname(own))
    toolchain = sha256(
      names
        .sort()
        .map((name) => digestOf(join(dirname(own), name)))
        .join(),
    )
  }
  return toolchain
}

/** The compiler's version without loading it; "" when it is not installed. */
function compilerVersion(): string {
  try {
    const path = fileURLToPath(import.meta.resolve('assemblyscript/package.json'))
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  } catch {
    return ''
  }
}
