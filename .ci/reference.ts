// Writes the pages under docs/reference/ from the schemas that check configurations:
//
//   node .ci/reference.ts
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePages } from '../host/objects/reference/pages.ts'

const folder = join(import.meta.dirname, '../docs/reference')
// A kind that is gone must not leave its page behind.
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
for (const [name, text] of referencePages()) writeFileSync(join(folder, name), text)
