import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { monotonicMs } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import { buildRecord, findBuild, recordFileOf } from './build-cache.ts'
import { type CompileRequest, compilePlugin, entryOf, type OptimizeLevel } from './compile.ts'
import type { Diagnostic } from './diagnostic.ts'
import { sha256 } from './input-files.ts'
import { identityOf } from './plugin-identity.ts'
import type { ModuleDescription } from './section.ts'

/** What to build and where to. */
export interface BuildRequest {
  /** A plugin's folder, or its entry. */
  readonly path: string
  /** Default `build/NAME.wasm` in the plugin's folder. */
  readonly outFile?: string
  readonly optimize?: OptimizeLevel
  /** Builds `NAME.debug.wasm` besides, with the names of functions and without optimization. */
  readonly debug?: boolean
  /** Keeps the names of functions in the module itself, for stack traces. Default false. */
  readonly names?: boolean
}

interface BuildReport {
  readonly name: string
  readonly outFile: string
  readonly diagnostics: readonly Diagnostic[]
  readonly durationMs: number
}
export interface Built extends BuildReport {
  readonly kind: 'built'
  readonly bytes: number
  readonly description: ModuleDescription
  /** True when nothing had changed. */
  readonly isCached: boolean
}
export interface NotBuilt extends BuildReport {
  readonly kind: 'failed'
}
export type BuildResult = Built | NotBuilt

/** What compiles: in this thread, or a resident compiler in its own. */
export type Compile = typeof compilePlugin

/**
 * Builds one plugin unless it is already built from the same inputs: writes the module, its source map and
 * a record of the inputs, each file whole or not at all. A failed build leaves the files of the last good
 * one. TOOLCHAIN_SOURCE when there is no plugin at that path.
 */
export async function buildPlugin(
  request: BuildRequest,
  compile: Compile = compilePlugin,
): Promise<BuildResult> {
  const startedAtMs = monotonicMs()
  const entry = entryOf(request.path)
  if (!existsSync(entry)) throw new GatewayError('TOOLCHAIN_SOURCE', { path: entry })
  const { name } = identityOf(entry, (path) => readFileSync(path, 'utf8'))
  const outFile = request.outFile ?? join(dirname(entry), 'build', `${name}.wasm`)
  const main = await buildOne(
    target(entry, request.optimize, request.names === true),
    outFile,
    name,
    compile,
  )
  const extra =
    request.debug === true && main.kind === 'built'
      ? await buildOne(
          target(entry, 0, true),
          outFile.replace(/\.wasm$/, '.debug.wasm'),
          name,
          compile,
        )
      : main
  const durationMs = monotonicMs() - startedAtMs
  return extra.kind === 'failed' ? { ...extra, durationMs } : { ...main, durationMs }
}

function target(
  entry: string,
  optimize: OptimizeLevel | undefined,
  debug: boolean,
): CompileRequest {
  return optimize === undefined ? { entry, debug } : { entry, debug, optimize }
}

async function buildOne(
  request: CompileRequest,
  outFile: string,
  name: string,
  compile: Compile,
): Promise<BuildResult> {
  const cached = findBuild(request, outFile)
  if (cached !== null) {
    const { description, diagnostics } = cached
    const bytes = statSync(outFile).size
    return {
      kind: 'built',
      isCached: true,
      name,
      outFile,
      bytes,
      description,
      diagnostics,
      durationMs: 0,
    }
  }
  const compiled = await compile(request)
  const { diagnostics, durationMs } = compiled
  if (compiled.kind === 'failed') return { kind: 'failed', name, outFile, diagnostics, durationMs }
  mkdirSync(dirname(outFile), { recursive: true })
  writeWhole(`${outFile}.map`, compiled.sourceMap)
  // The record names the digest of the module, so a crash between these two only means another build.
  writeWhole(outFile, compiled.wasm)
  writeWhole(recordFileOf(outFile), buildRecord(request, outFile, compiled))
  const { description, wasm } = compiled
  return {
    kind: 'built',
    isCached: false,
    name,
    outFile,
    bytes: wasm.length,
    description,
    diagnostics,
    durationMs,
  }
}

/** A reader sees the old file or the new one: a gateway may watch the module, tests build it in parallel. */
function writeWhole(path: string, contents: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}-${threadId}-${sha256(contents).slice(0, 8)}`
  writeFileSync(temporary, contents)
  renameSync(temporary, path)
}
