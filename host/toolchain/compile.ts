import { readFileSync } from 'node:fs'
import { dirname, join, parse, resolve } from 'node:path'
import { monotonicMs } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import { askedByImports, mergeAsked } from '../wasm/grant/asked-grant.ts'
import type { AskedGrant } from '../wasm/grant/grant-spec.ts'
import { type Diagnostic, diagnosticAt } from './diagnostic.ts'
import { ENTRY_FILE, entrySource } from './entry.ts'
import { InputFiles } from './input-files.ts'
import { compilerConfig, sdkFolder } from './paths.ts'
import { identityOf, type PluginIdentity, packageFileOf } from './plugin-identity.ts'
import { type PluginScan, scanPlugin } from './scan.ts'
import { appendDescription, type ModuleDescription } from './section.ts'
import { type CompilerApi, type CompilerMessage, loadCompiler } from './syntax.ts'

/** How hard the compiler tries: 3 for what is shipped, 1 or 0 where the time to compile matters more. */
export type OptimizeLevel = 0 | 1 | 2 | 3

export interface CompileRequest {
  /** Absolute path of the plugin's `index.ts`, or of a plugin in a single file. */
  readonly entry: string
  /** Default 3. */
  readonly optimize?: OptimizeLevel
  /** Keeps the names of functions, for stack traces and profiles. Default false. */
  readonly debug?: boolean
}

/** A file that was read, with its digest; null for one that was looked for and is not there. */
export interface InputFile {
  readonly path: string
  readonly sha256: string | null
}

interface CompileOutcome {
  readonly name: string
  /** Everything that was said, errors first to last in the order the compiler found them. */
  readonly diagnostics: readonly Diagnostic[]
  readonly inputs: readonly InputFile[]
  readonly durationMs: number
}
export interface Compiled extends CompileOutcome {
  readonly kind: 'compiled'
  readonly wasm: Uint8Array
  readonly sourceMap: string
  readonly description: ModuleDescription
}
export interface NotCompiled extends CompileOutcome {
  readonly kind: 'failed'
}
export type CompileResult = Compiled | NotCompiled

/**
 * Compiles one plugin to a module with its description. Mistakes in the plugin are diagnostics of a result
 * of kind `failed`; it throws only when it cannot work at all (TOOLCHAIN_*). The first call of a process
 * loads the compiler, which takes about a second.
 */
export async function compilePlugin(request: CompileRequest): Promise<CompileResult> {
  const startedAtMs = monotonicMs()
  const { entry } = request
  const inputs = new InputFiles(sdkFolder(dirname(entry)), dirname(entry))
  const identity = identityOf(entry, (path) => inputs.readPath(path))
  inputs.note(packageFileOf(entry))
  const { scan, diagnostics } = await scanPlugin(entry)
  const outcome = (found: readonly Diagnostic[]): CompileOutcome => ({
    name: identity.name,
    diagnostics: found,
    inputs: inputs.list(),
    durationMs: monotonicMs() - startedAtMs,
  })
  if (scan === null) {
    // What the compiler would say besides is not worth its second.
    inputs.note(entry)
    return { kind: 'failed', ...outcome(diagnostics) }
  }
  const api = await loadCompiler()
  inputs.serve(ENTRY_FILE, entrySource(scan, `./${parse(entry).name}`))
  const output = await runCompiler(api, request, identity.name, inputs)
  if (output.wasm === null) return { kind: 'failed', ...outcome(output.diagnostics) }
  const asked = askedByCode(scan, output.wasm)
  const description = describe(identity, scan, asked, inputs.sdkVersion())
  return {
    kind: 'compiled',
    wasm: appendDescription(output.wasm, description),
    sourceMap: output.sourceMap,
    description,
    ...outcome(output.diagnostics),
  }
}

/** What the compiler made of one entry. */
export interface CompilerOutput {
  /** Null when there is an error among the diagnostics. */
  wasm: Uint8Array | null
  sourceMap: string
  readonly diagnostics: Diagnostic[]
}

/** Compiles the entry that `inputs` serves as `ENTRY_FILE`; `flags` come after those of every build. */
export async function runCompiler(
  api: CompilerApi,
  request: CompileRequest,
  name: string,
  inputs: InputFiles,
  flags: readonly string[] = [],
): Promise<CompilerOutput> {
  const { entry, optimize, debug } = request
  const output: CompilerOutput = { wasm: null, sourceMap: '', diagnostics: [] }
  inputs.serve('asconfig.json', readFileSync(compilerConfig(), 'utf8'))
  const argv = [ENTRY_FILE, '--baseDir', dirname(entry), '--outFile', `${name}.wasm`, '--noColors']
  argv.push('--target', debug === true ? 'debug' : 'release')
  if (optimize !== undefined) argv.push('--optimizeLevel', String(optimize))
  argv.push(...flags)
  const { error } = await api.main(argv, {
    readFile: (path, baseDir) => inputs.read(path, baseDir),
    listFiles: () => [],
    writeFile: (path, contents) => {
      // The compiler hands over a view of its own memory.
      if (typeof contents === 'string') output.sourceMap = contents
      else if (path.endsWith('.wasm')) output.wasm = contents.slice()
    },
    reportDiagnostic: (message) => addMessage(output.diagnostics, message, entry, inputs),
  })
  if (error !== null) {
    output.wasm = null
    if (!output.diagnostics.some(({ severity }) => severity === 'error')) {
      output.diagnostics.push(withoutPlace(entry, reasonOf(error)))
    }
  }
  return output
}

/** The compiler's categories; 0 is pedantry nobody asked for. */
const SEVERITIES = [null, 'info', 'warning', 'error'] as const

function addMessage(
  diagnostics: Diagnostic[],
  { message, category, range }: CompilerMessage,
  entry: string,
  inputs: InputFiles,
): void {
  const severity = SEVERITIES[category] ?? null
  if (severity === null) return
  const text = readable(message)
  const source = range?.source == null ? null : inputs.source(range.source.normalizedPath)
  diagnostics.push(
    range === null || source === null
      ? { ...withoutPlace(entry, text), severity }
      : diagnosticAt(severity, source.path, source.text, range.start, range.end, text),
  )
}

/** Types by their names alone, and what to do about the mistake everybody makes first. */
function readable(message: string): string {
  const text = message
    .replace(/^User-defined: '(.*)'$/s, '$1')
    .replace(/\.$/, '')
    .replace(/(?:~lib|\b[\w.-]+)(?:\/[@\w.-]+)*\/(?=[A-Z]\w*)/g, '')
  const isNull = /^Type '(.*) \| null' is not assignable to type '\1'$/.test(text)
  return isNull ? `${text}: compare it with null first` : text
}

function withoutPlace(file: string, message: string): Diagnostic {
  return { severity: 'error', file, line: 0, column: 0, message, suggestion: null, frame: null }
}

/** What its sources name, and what the host calls show that the compiler has left in. */
function askedByCode(scan: PluginScan, wasm: Uint8Array): AskedGrant {
  const module = new WebAssembly.Module(Uint8Array.from(wasm))
  return mergeAsked(scan.grant, askedByImports(WebAssembly.Module.imports(module)))
}

function describe(
  identity: PluginIdentity,
  scan: PluginScan,
  asked: AskedGrant,
  sdk: string,
): ModuleDescription {
  const need = (phase: string): 'none' | 'bytes' =>
    scan.phases.some((shape) => shape.phase === phase && shape.takesBody) ? 'bytes' : 'none'
  return {
    abi: 'penstock_v1',
    name: identity.name,
    version: identity.version,
    sdk,
    phases: scan.phases.map((shape) => shape.phase),
    body: { request: need('request'), response: need('response'), limit: identity.bodyLimit },
    results: scan.results,
    shared: identity.shared,
    parameters: scan.parameters,
    grant: mergeAsked(identity.grant, asked),
  }
}

/** The entry for what a person names: a folder means its `index.ts`. */
export function entryOf(path: string): string {
  const absolute = resolve(path)
  return absolute.endsWith('.ts') ? absolute : join(absolute, 'index.ts')
}
