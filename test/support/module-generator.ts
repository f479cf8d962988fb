import { createHash } from 'node:crypto'
import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compileFunction } from 'node:vm'

/** Generated modules use every proposal the gate lets through, and none it refuses. */
const FEATURES = [
  '--mvp-features',
  '--enable-mutable-globals',
  '--enable-sign-ext',
  '--enable-nontrapping-float-to-int',
  '--enable-bulk-memory',
  '--enable-bulk-memory-opt',
  '--enable-simd',
  '--enable-reference-types',
  '--enable-multivalue',
  '--enable-tail-call',
  '--enable-extended-const',
]

/** Makes random valid modules; the same seed makes the same module. */
export interface ModuleGenerator {
  /** `size` is the length of the random input: 1,000 gives about as many bytes of module. */
  generate(seed: string, size: number): Uint8Array
  close(): void
}

/**
 * Loads `wasm-opt` of binaryen into this process and calls its `-ttf` (translate to fuzz) again and
 * again: 5 ms a module, where a process for each takes half a second.
 */
export async function createModuleGenerator(): Promise<ModuleGenerator> {
  const require = createRequire(import.meta.url)
  const program = join(dirname(require.resolve('binaryen')), 'bin/wasm-opt')
  const source = readFileSync(program, 'utf8').replace(/^#!.*\n/, '')
  const callMain = await new Promise<(args: string[]) => number>((resolve) => {
    const module = {
      noInitialRun: true,
      print: () => undefined,
      printErr: () => undefined,
      onRuntimeInitialized: () => setImmediate(() => resolve(load.callMain)),
    }
    const names = ['Module', 'require', 'process', '__filename', '__dirname', 'module']
    const run = compileFunction(`${source}\nreturn { callMain }`, names)
    // A process of its own: the real one's exit code belongs to the tests.
    const { versions, platform, env } = process
    const own = {
      versions,
      platform,
      env,
      argv: ['node', program],
      on: () => undefined,
      // The program's file system asks for the numbers of open flags this way.
      binding: () => ({ fs: constants }),
    }
    const load = run(module, require, own, program, dirname(program), { exports: {} })
  })
  const directory = mkdtempSync(join(tmpdir(), 'penstock-generated-'))
  const input = join(directory, 'input')
  const output = join(directory, 'output.wasm')
  return {
    generate(seed, size) {
      writeFileSync(input, randomBytes(seed, size))
      const status = callMain(['-ttf', input, '-o', output, ...FEATURES, '--denan'])
      if (status !== 0) throw new Error(`wasm-opt ended with ${status} for seed ${seed}`)
      return new Uint8Array(readFileSync(output))
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

function randomBytes(seed: string, size: number): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * 32 < size; i += 1) {
    parts.push(createHash('sha256').update(`${seed}/${i}`).digest())
  }
  return Buffer.concat(parts).subarray(0, size)
}
