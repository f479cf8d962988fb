import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { GatewayError } from '../../errors.ts'
import { paint, writeError } from '../errors.ts'
import { type CliIo, EXIT, type ExitCode } from '../io.ts'
import { runNode } from '../run-child.ts'
import { build } from './build.ts'

/** What a test file is called. */
const TEST_FILE = /\.test\.(?:ts|mts|js|mjs)$/

/** Folders that hold no tests of the plugin. */
const PASSED_OVER = new Set(['node_modules', 'build', 'dist'])

/**
 * Builds the plugins in these folders, the current one when none is named, and runs their test files, each
 * with the runner it is written for: Node's own, the project's vitest, or, for uvu, by itself. 0 when every
 * plugin is built and every test passes, 1 when not, 2 when there is no plugin or no test.
 */
export async function test(dirs: readonly string[], io: CliIo): Promise<ExitCode> {
  let exit: ExitCode = EXIT.ok
  for (const dir of dirs.length === 0 ? ['.'] : dirs) {
    const code = await testOne(resolve(io.cwd, dir), io)
    if (code === EXIT.interrupted) return code
    if (exit === EXIT.ok || code === EXIT.usage) exit = code
  }
  if (exit === EXIT.ok) {
    io.stdout.write(`${paint(io.stdout, io.env, 'green', 'all tests passed')}\n`)
    io.stdout.write(`Next: "penstock bench ${moduleOf(dirs, io)}" says what the filter costs.\n`)
  }
  return exit
}

/** The module of what was tested, as one would write it; NAME where there is more than one. */
function moduleOf(dirs: readonly string[], io: CliIo): string {
  const names = dirs.length > 1 ? [] : modulesIn(resolve(io.cwd, dirs[0] ?? '.', 'build'))
  const name = names.length === 1 ? (names[0] ?? '') : 'NAME.wasm'
  return dirs.length > 1 ? `FOLDER/build/${name}` : join(dirs[0] ?? '', 'build', name)
}

function modulesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((file) => /^(?!.*\.(?:dev|debug)\.wasm$).*\.wasm$/.test(file))
}

async function testOne(dir: string, io: CliIo): Promise<ExitCode> {
  const built = await build([dir], io)
  if (built !== EXIT.ok) return built
  const files = testFiles(dir)
  if (files.length === 0) {
    writeError(new GatewayError('CLI_NO_TESTS', { dir }), io)
    return EXIT.usage
  }
  let exit: ExitCode = EXIT.ok
  for (const args of runsOf(dir, files)) {
    const { code, isInterrupted } = await runNode(args, dir, io)
    if (isInterrupted) return EXIT.interrupted
    if (code !== 0) exit = EXIT.refused
  }
  if (exit !== EXIT.ok) {
    const where = relative(io.cwd, dir) || '.'
    io.stderr.write(`${paint(io.stderr, io.env, 'red', `tests of ${where} failed`)}\n`)
  }
  return exit
}

/** Relative to the folder, in order. */
function testFiles(dir: string): string[] {
  const found: string[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(dir, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!PASSED_OVER.has(entry.name) && !entry.name.startsWith('.')) visit(path)
      } else if (TEST_FILE.test(entry.name)) found.push(path)
    }
  }
  visit('')
  return found.sort()
}

/** What Node is started with, one run after another. */
function runsOf(dir: string, files: readonly string[]): string[][] {
  const runs: string[][] = []
  const [forNode, forVitest]: [string[], string[]] = [[], []]
  const vitest = vitestOf(dir)
  for (const file of files) {
    const runner = /\bfrom\s+['"](uvu|vitest)['"]/.exec(readFileSync(join(dir, file), 'utf8'))?.[1]
    if (runner === undefined) forNode.push(file)
    // By a whole path: vitest takes what it is given for a part of a name.
    else if (runner === 'vitest' && vitest !== null) forVitest.push(join(dir, file))
    // Without vitest, what Node says of the import is what there is to say.
    else runs.push([file])
  }
  if (vitest !== null && forVitest.length > 0) runs.push([vitest, 'run', ...forVitest])
  if (forNode.length > 0) runs.push(['--test', '--test-reporter=spec', ...forNode])
  return runs
}

/** The script of the project's own vitest; null when it has none. */
function vitestOf(dir: string): string | null {
  const { resolve: find } = createRequire(join(dir, 'package.json'))
  let manifest: string
  try {
    manifest = find('vitest/package.json')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null
    throw error
  }
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: { vitest?: string } }
  return bin?.vitest === undefined ? null : join(dirname(manifest), bin.vitest)
}
