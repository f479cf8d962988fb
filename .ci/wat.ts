// Writes the modules of our own, in base64, from their WebAssembly text: a modules.ts in each folder.
//
//   node .ci/wat.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const WASM = join(import.meta.dirname, '../host/wasm')

/** Where there are texts, and their names. */
const TEXTS = [
  ['lookup', ['lookup', 'copier']],
  ['fuel', ['fuel']],
] as const

/** What the texts use. */
const FEATURES = {
  multi_memory: true,
  simd: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  sat_float_to_int: true,
  mutable_globals: true,
}

/** Each modules.ts and its text. */
export async function ownModules(): Promise<[file: string, text: string][]> {
  const toolkit = await wabt()
  return TEXTS.map(([folder, names]) => {
    const lines = names.map((name) => {
      const text = readFileSync(join(WASM, folder, `${name}.wat`), 'utf8')
      const module = toolkit.parseWat(`${name}.wat`, text, FEATURES)
      // Its own check knows one memory only; who compiles it checks it too.
      const { buffer } = module.toBinary({})
      module.destroy()
      return `export const ${name.toUpperCase()} =\n  '${Buffer.from(buffer).toString('base64')}'\n`
    })
    const from = names.map((name) => `${name}.wat`).join(' and ')
    const text = `// Written by .ci/wat.ts from ${from}; do not change it by hand.\n\n${lines.join('\n')}`
    return [join(WASM, folder, 'modules.ts'), text]
  })
}

if (import.meta.main) for (const [file, text] of await ownModules()) writeFileSync(file, text)
