import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'

const BENCH = join(import.meta.dirname, '..')
const OUT = join(BENCH, '../.cache/bench')

/** The compiled guests, by absolute path. */
export interface Guests {
  /** Ordinary code of the SDK. */
  readonly stamp: string
  /** On the host calls themselves. */
  readonly stampBytes: string
  /** Reads a body and writes it back. */
  readonly rewrite: string
  readonly stampExtism: string
}

/** Where they lie; `buildGuests` puts them there. */
export const GUESTS: Guests = {
  stamp: join(OUT, 'stamp.wasm'),
  stampBytes: join(OUT, 'stamp-bytes.wasm'),
  rewrite: join(OUT, 'rewrite.wasm'),
  stampExtism: join(OUT, 'stamp-extism.wasm'),
}

/** Compiles what has changed. */
export async function buildGuests(): Promise<void> {
  mkdirSync(OUT, { recursive: true })
  for (const [folder, outFile] of [
    ['stamp', GUESTS.stamp],
    ['stamp-bytes', GUESTS.stampBytes],
    ['rewrite', GUESTS.rewrite],
  ] as const) {
    const result = await buildPlugin({ path: join(BENCH, 'assembly', folder), outFile })
    if (result.kind === 'failed') {
      throw new Error(result.diagnostics.map(({ message }) => message).join('\n'))
    }
  }
  await buildExtism()
}

/** Extism's guests are plain modules: the compiler's own command makes them. */
async function buildExtism(): Promise<void> {
  const compiler = join(BENCH, '../node_modules/assemblyscript/bin/asc.js')
  const source = 'bench/assembly/stamp-extism.ts'
  const options = [
    // Not the settings of our plugins, whose start section is an export: Extism would not call it.
    ...['--config', 'none'],
    ...['--outFile', GUESTS.stampExtism],
    ...['--use', 'abort=bench/assembly/stamp-extism/stampAbort'],
    '-O3',
  ]
  const root = join(BENCH, '..')
  await promisify(execFile)(process.execPath, [compiler, source, ...options], { cwd: root })
}

/** Two modules that do the same and have different digests, to swap one for the other. */
export type SwapModules = readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]

/** Reads the modules of the swap benchmark. */
export function swapModules(): SwapModules {
  const bytes = readFileSync(GUESTS.stamp)
  // A custom section called "v", with nothing in it: another digest, the same code.
  const other = Buffer.concat([bytes, Buffer.from([0, 2, 1, 0x76])])
  return [new Uint8Array(bytes), new Uint8Array(other)]
}
