import { readFileSync } from 'node:fs'
import { errorsPage } from '../../.ci/errors.ts'
import { ERRORS } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/errors')

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

test('the index of errors is the one the table makes', () => {
  assert.is(page, errorsPage(), 'run: node .ci/errors.ts')
})

test('every error has a meaning and a remedy, and stands under its area', () => {
  for (const [code, { hint }] of Object.entries(ERRORS)) {
    const [, text = ''] = page.split(`\n### ${code}\n`)
    const [section = ''] = text.split('\n##', 1)
    assert.match(section, /^\n> \S.+\n\nCaused by .+; status \d{3}\. \S.+\n/, code)
    assert.ok(section.includes(hint), code)
    assert.not.match(section, /undefined|NaN|\[object/, code)
  }
})
