import { readFileSync } from 'node:fs'
import { httpPage } from '../../.ci/http.ts'
import { fullLimits } from '../../host/http/full-limits.ts'
import { CROWDED_SHARE } from '../../host/http/overload/overload.ts'
import { limitFields } from '../../host/objects/http-server-limit-fields.ts'
import { limitsOf } from '../../host/objects/http-server-rules.ts'
import { httpServerKind } from '../../host/objects/http-server-spec.ts'
import { LIMITS } from '../http/native/tiny-proxy.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/http')

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')
const cases = ['cases', 'fields']
  .map((name) => readFileSync(new URL(`../http/h2/${name}.test.ts`, import.meta.url), 'utf8'))
  .join('')

test('the tables are those that schemas, constants and parsers make', () => {
  // Line by line: of a page of hundreds of lines only the one that differs is worth reading.
  const written = page.split('\n')
  for (const [index, line] of httpPage(page).split('\n').entries()) {
    assert.is(written[index], line, `docs/http.md:${index + 1}: run: node .ci/http.ts`)
  }
})

test('every limit of an HTTPServer has its row', () => {
  for (const field of Object.keys(limitFields))
    assert.ok(page.includes(`\n| \`${field}\` |`), field)
})

test('a page without the place of a table is refused', () => {
  assert.throws(() => httpPage(page.replace('<!-- overload -->', '')), /overload/)
})

test('the engines have the same defaults as the configuration', () => {
  const server = httpServerKind.spec.parse({ kind: 'HTTPServer', name: 'a', port: 80 })
  assert.equal(fullLimits(LIMITS), limitsOf(server))
})

test('a crowded listener is one with the share of the code', () => {
  assert.ok(page.includes(`A listener with ${CROWDED_SHARE * 100} % of its`))
})

test('each case in which Node decides by itself is a test', () => {
  const part = page.slice(page.indexOf('Where Node decides by itself'), page.indexOf('## Overload'))
  const ids = part.match(/\bT\d\d\b/g) ?? []
  assert.ok(ids.length >= 4)
  for (const id of ids) assert.ok(cases.includes(`'${id}: `), id)
})
