import { readFileSync } from 'node:fs'
import { languagePage } from '../../host/toolchain/language-page.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/language')

test('the page about the language is the one the rules make', () => {
  const page = readFileSync(new URL('../../sdk/LANGUAGE.md', import.meta.url), 'utf8')
  assert.is(page, languagePage(), 'run: node .ci/language.ts')
})
