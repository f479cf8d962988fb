import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { FILE_TIMEOUT_MS, PARALLEL_FILES } from './support/limits.ts'
import { endAll, type FileOutcome, runTestFile } from './support/test-file.ts'

const USAGE = `usage: node test/run.ts [--system] [--verbose] [--file-timeout MS] [FILE|FOLDER]...

Runs test files, each in its own process. Without a name: every *.test.ts under test/ and plugins/
except test/system/; with --system: those under test/system/, one at a time.
`

const root = resolve(import.meta.dirname, '..')
const systemRoot = join(root, 'test/system')
const useColor = process.stdout.isTTY === true && !process.env['NO_COLOR']

const options = readOptions()
const files = findFiles(options)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll()
    process.exit(1)
  })
}

let passed = 0
let failed = 0
for (const missing of files.missing) {
  failed += 1
  process.stdout.write(`${paint('red', 'FAIL')} ${missing}: no test files\n`)
}
const queue = files.found.values()
const lanes = options.system ? 1 : PARALLEL_FILES
await Promise.all(Array.from({ length: lanes }, runQueue))
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
process.stdout.write(`${passed} passed, ${failed} failed\n`)

async function runQueue(): Promise<void> {
  // The lanes share one iterator: each takes the next file when it is free.
  for (const file of queue) {
    const outcome = await runTestFile(file, options.fileTimeoutMs)
    passed += outcome.passed
    failed += outcome.failed
    show(relative(root, file), outcome)
  }
}

function show(name: string, outcome: FileOutcome): void {
  const seconds = (outcome.durationMs / 1000).toFixed(1)
  const isGood = outcome.failed === 0
  const verdict = isGood ? paint('green', 'ok  ') : paint('red', 'FAIL')
  const detail = isGood ? `${outcome.passed} tests` : (outcome.reason ?? `${outcome.failed} failed`)
  process.stdout.write(`${verdict} ${name} ${paint('gray', `${detail}, ${seconds} s`)}\n`)
  if ((!isGood || options.verbose) && outcome.output !== '') {
    process.stdout.write(`${outcome.output.trimEnd().replace(/^(?=.)/gm, '    ')}\n`)
  }
}

function paint(color: 'red' | 'green' | 'gray', text: string): string {
  return useColor ? styleText(color, text, { validateStream: false }) : text
}

interface RunOptions {
  readonly system: boolean
  readonly verbose: boolean
  readonly fileTimeoutMs: number
  readonly names: readonly string[]
}

function readOptions(): RunOptions {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        system: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        'file-timeout': { type: 'string', default: String(FILE_TIMEOUT_MS) },
      },
    })
    const fileTimeoutMs = Number(values['file-timeout'])
    if (!(fileTimeoutMs > 0)) throw new TypeError('--file-timeout takes a number of milliseconds')
    return { system: values.system, verbose: values.verbose, fileTimeoutMs, names: positionals }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

/** A file that is named runs whatever it is called and wherever it stands. */
function findFiles({ names, system }: RunOptions): { found: string[]; missing: string[] } {
  if (names.length === 0) {
    const roots = system ? [systemRoot] : [join(root, 'test'), join(root, 'plugins')]
    const found = roots.flatMap(testFilesIn)
    return {
      found: system ? found : found.filter((file) => !isUnder(file, systemRoot)),
      missing: [],
    }
  }
  const found: string[] = []
  const missing: string[] = []
  for (const name of names) {
    const path = resolve(name)
    const stats = statSync(path, { throwIfNoEntry: false })
    const matches = stats?.isDirectory() === true ? testFilesIn(path) : stats ? [path] : []
    if (matches.length === 0) missing.push(name)
    found.push(...matches)
  }
  return { found: [...new Set(found)], missing }
}

function testFilesIn(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .sort()
    .map((name) => join(folder, name))
}

function isUnder(file: string, folder: string): boolean {
  return !relative(folder, file).startsWith('..')
}
