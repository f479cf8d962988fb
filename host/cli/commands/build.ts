import { resolve } from 'node:path'
import { printable } from '../../config/issues.ts'
import { isGatewayError } from '../../errors.ts'
import { type BuildResult, buildPlugin } from '../../toolchain/build-plugin.ts'
import { type Diagnostic, formatDiagnostic, formatFrame } from '../../toolchain/diagnostic.ts'
import { ResidentCompiler } from '../../toolchain/resident.ts'
import { paint, writeError } from '../errors.ts'
import { type CliIo, EXIT, type ExitCode } from '../io.ts'

export interface BuildOptions {
  /** Writes `NAME.debug.wasm` besides. Default false. */
  readonly debug?: boolean
}

/** What the command writes to. */
export type BuildIo = Pick<CliIo, 'cwd' | 'env' | 'stdout' | 'stderr'>

/**
 * Compiles the plugins in these folders, the current one when none is named, and writes a line for each.
 * Goes on after a failure. 0 when all are built, 1 when one has errors, 2 when one is not there or the
 * compiler cannot be loaded.
 */
export async function build(
  dirs: readonly string[],
  io: CliIo,
  options: BuildOptions = {},
): Promise<ExitCode> {
  const compiler = new ResidentCompiler()
  let exit: ExitCode = EXIT.ok
  try {
    for (const dir of dirs.length === 0 ? ['.'] : dirs) {
      const path = resolve(io.cwd, dir)
      const result = await buildOne(path, options, io, compiler)
      if (result === null) exit = EXIT.usage
      else {
        writeDiagnostics(result.diagnostics, io)
        if (result.kind === 'failed' && exit === EXIT.ok) exit = EXIT.refused
        writeResult(result, io)
      }
    }
  } finally {
    await compiler.close()
  }
  return exit
}

/** Null when it cannot be built at all; the reason has been written then. */
async function buildOne(
  path: string,
  options: BuildOptions,
  io: CliIo,
  compiler: ResidentCompiler,
): Promise<BuildResult | null> {
  try {
    return await buildPlugin({ path, debug: options.debug === true }, compiler.compile)
  } catch (error) {
    if (!isGatewayError(error)) throw error
    writeError(error, io)
    return null
  }
}

function writeDiagnostics(diagnostics: readonly Diagnostic[], io: BuildIo): void {
  for (const diagnostic of diagnostics) {
    // What the compiler notes in passing is no reason to act.
    if (diagnostic.severity === 'info') continue
    io.stderr.write(`${printable(formatDiagnostic(diagnostic, io.cwd))}\n`)
    const frame = io.stderr.isTerminal ? formatFrame(diagnostic) : ''
    if (frame !== '') io.stderr.write(`${frame}\n`)
  }
}

/** `api-key          request, response  24.7 KB  1.2 s` */
function writeResult(result: BuildResult, io: BuildIo): void {
  const name = printable(result.name).padEnd(20)
  if (result.kind === 'failed') {
    const count = result.diagnostics.filter(({ severity }) => severity === 'error').length
    const text = `${name}  ${count} error${count === 1 ? '' : 's'}`
    io.stderr.write(`${paint(io.stderr, io.env, 'red', text)}\n`)
    return
  }
  const phases = result.description.phases.join(', ').padEnd(22)
  const size = `${(result.bytes / 1024).toFixed(1)} KB`.padStart(9)
  const time = result.isCached ? 'unchanged' : `${(result.durationMs / 1000).toFixed(1)} s`
  io.stdout.write(`${name}  ${phases}  ${size}  ${time}\n`)
}
