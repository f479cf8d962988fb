import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SOURCES = fileURLToPath(new URL('../easegress/assembly/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../.cache/guests/', import.meta.url))

/**
 * The compiled bytes of a guest under `test/easegress/assembly`, which knows nothing of the SDK: a module
 * as somebody would bring it from Easegress. Compiled once for the content of that folder.
 */
export async function easegressGuest(name: string): Promise<Uint8Array> {
  const hash = createHash('sha256')
  for (const file of readdirSync(SOURCES).sort()) hash.update(readFileSync(join(SOURCES, file)))
  const out = join(CACHE, `easegress-${name}-${hash.digest('hex').slice(0, 16)}.wasm`)
  if (!existsSync(out)) await compile(name, out)
  return new Uint8Array(readFileSync(out))
}

async function compile(name: string, out: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const program = createRequire(import.meta.url).resolve('assemblyscript/package.json')
  const temporary = `${out}.${process.pid}`
  await promisify(execFile)(
    process.execPath,
    [
      join(dirname(program), 'bin/asc.js'),
      ...[`${name}.ts`, '--outFile', temporary, '-O3', '--exportStart', '_initialize'],
    ],
    { cwd: SOURCES },
  )
  // Whoever runs at the same time finds all of it or nothing.
  renameSync(temporary, out)
}
