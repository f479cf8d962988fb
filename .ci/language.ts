// Writes sdk/LANGUAGE.md from the rules that `penstock build` holds sources to:
//
//   node .ci/language.ts
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { languagePage } from '../host/toolchain/language-page.ts'

writeFileSync(join(import.meta.dirname, '../sdk/LANGUAGE.md'), languagePage())
