import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** Compiles bare AssemblyScript, without the SDK, with the optimization plugins are built with. */
export async function compileAssemblyScript(source: string): Promise<Uint8Array> {
  const program = createRequire(import.meta.url).resolve('assemblyscript/package.json')
  const directory = mkdtempSync(join(tmpdir(), 'penstock-asc-'))
  try {
    writeFileSync(join(directory, 'index.ts'), source)
    await promisify(execFile)(
      process.execPath,
      [
        join(dirname(program), 'bin/asc.js'),
        ...['index.ts', '--outFile', 'index.wasm', '-O3', '--exportStart', '_initialize'],
      ],
      { cwd: directory },
    )
    return new Uint8Array(readFileSync(join(directory, 'index.wasm')))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A module with strings, arrays, maps, the garbage collector and calls through the table. */
export const BUSY_SOURCE = `
  const seen = new Map<string, i32>()
  function hash(text: string): u32 {
    let value: u32 = 2166136261
    for (let i = 0; i < text.length; i++) value = (value ^ text.charCodeAt(i)) * 16777619
    return value
  }
  export function count(rounds: i32): i32 {
    for (let i = 0; i < rounds; i++) {
      const key = 'key-' + (hash(i.toString()) % 97).toString()
      seen.set(key, seen.has(key) ? seen.get(key) + 1 : 1)
    }
    return seen.size
  }
  export function sorted(length: i32): f64 {
    const values = new Array<f64>(length)
    for (let i = 0; i < length; i++) values[i] = Math.sin(i as f64)
    values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    return values.reduce((sum, value, i) => sum + value * (i as f64), 0.0)
  }
  export function text(n: i32): i32 {
    const parts: string[] = []
    for (let i = 0; i < n; i++) parts.push(i.toString(16).padStart(4, '0').toUpperCase())
    return hash(parts.join(';').replaceAll('A', 'ab')) as i32
  }
`
