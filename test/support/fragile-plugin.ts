import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import type { Cleanup } from './gateway.ts'
import type { PluginGateway } from './plugin-gateway.ts'
import { assert } from './suite.ts'

/** Line 9 reads past the end of an array when a request has the header `break`. */
const SOURCE = `import { Filter, Request } from '@penstock/sdk'

export class Fragile extends Filter {
  onRequest(request: Request): void {
    if (request.headers.has('break')) this.pick(request.path.length)
  }

  private pick(index: i32): i32 {
    return [1, 2, 3][index + 100]
  }
}
`

/** A plugin as an author has it: sources, module and source map. */
export interface FragilePlugin {
  /** The module; its map is beside it. */
  readonly file: string
  readonly wasm: Buffer
  readonly map: Buffer
}

/** Builds a plugin that traps at line 9 of its `index.ts`, in a folder of its own. */
export async function buildFragilePlugin(cleanup: Cleanup): Promise<FragilePlugin> {
  const root = join(import.meta.dirname, '../../.cache')
  await mkdir(root, { recursive: true })
  const dir = await mkdtemp(join(root, 'fragile-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'index.ts'), SOURCE)
  const built = await buildPlugin({ path: dir })
  if (built.kind !== 'built') throw new Error(JSON.stringify(built.diagnostics))
  const { outFile } = built
  return {
    file: outFile,
    wasm: await readFile(outFile),
    map: await readFile(`${outFile}.map`),
  }
}

/** Has the plugin trap; what the log says of it: the place to blame. */
export async function placeOfTrap(at: PluginGateway): Promise<string> {
  const answer = await at.get('/', { headers: { break: '1' } })
  assert.is(answer.status, 503)
  const id = answer.headers['x-request-id']
  const line = at.lines
    .map((text) => JSON.parse(text))
    .find((one) => one.result === 'wasmError' && one.requestId === id)
  return line.at
}

/** The content of a section `sourceMappingURL` as compilers write it: a length, then the address. */
export function urlContent(url: string): Uint8Array {
  const bytes = Buffer.from(url)
  const length: number[] = []
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from(length), bytes])
}
