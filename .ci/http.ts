// Writes the tables of docs/http.md that come from schemas and constants; the words between them are written by
// hand:
//
//   node .ci/http.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { httpTables } from './http-tables.ts'

const FILE = join(import.meta.dirname, '../docs/http.md')

/** The page with every table made anew: each stands between `<!-- name -->` and `<!-- /name -->`. */
export function httpPage(page: string): string {
  let text = page
  for (const [name, table] of httpTables()) {
    const from = text.indexOf(`<!-- ${name} -->\n`)
    const to = text.indexOf(`<!-- /${name} -->\n`)
    if (from < 0 || to < from) throw new Error(`docs/http.md has no place for the table "${name}"`)
    text = `${text.slice(0, from)}<!-- ${name} -->\n${table}${text.slice(to)}`
  }
  return text
}

if (import.meta.main) writeFileSync(FILE, httpPage(readFileSync(FILE, 'utf8')))
