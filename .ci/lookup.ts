// Writes host/wasm/lookup/modules.ts, the modules in base64, from their WebAssembly text:
//
//   node .ci/lookup.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const FOLDER = join(import.meta.dirname, '../host/wasm/lookup')

/** What the texts use. */
const FEATURES = {
  multi_memory: true,
  simd: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
}

/** The text of modules.ts. */
export async function lookupModules(): Promise<string> {
  const toolkit = await wabt()
  const lines = ['lookup', 'copier'].map((name) => {
    const text = readFileSync(join(FOLDER, `${name}.wat`), 'utf8')
    const module = toolkit.parseWat(`${name}.wat`, text, FEATURES)
    // Its own check knows one memory only; who compiles it checks it too.
    const { buffer } = module.toBinary({})
    module.destroy()
    return `export const ${name.toUpperCase()} =\n  '${Buffer.from(buffer).toString('base64')}'\n`
  })
  return `// Written by .ci/lookup.ts from lookup.wat and copier.wat; do not change it by hand.\n\n${lines.join('\n')}`
}

if (import.meta.main) writeFileSync(join(FOLDER, 'modules.ts'), await lookupModules())
