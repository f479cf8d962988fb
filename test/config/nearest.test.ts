import { nearest } from '../../host/config/nearest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/nearest')

test('finds the name a slip was meant for', () => {
  const cases: [string, string[], string | null][] = [
    ['jumpif', ['filter', 'alias', 'jumpIf'], 'jumpIf'],
    ['Prxoy', ['Proxy', 'Mock'], 'Proxy'],
    ['servres', ['servers', 'timeout'], 'servers'],
    ['bakend', ['backend'], 'backend'],
    ['timout', ['timeout', 'internalError'], 'timeout'],
    ['get', ['GET', 'PUT'], 'GET'],
    ['HTPServer', ['Pipeline', 'HTTPServer'], 'HTTPServer'],
  ]
  for (const [word, names, wanted] of cases) assert.is(nearest(word, names), wanted, word)
})

test('suggests nothing when nothing is near', () => {
  assert.is(nearest('color', ['filter', 'alias']), null)
  assert.is(nearest('a', ['b', 'c']), null)
  assert.is(nearest('', ['b']), null)
  assert.is(nearest('x'.repeat(10_000), ['x'.repeat(10_001)]), null)
})

test('never suggests the word itself', () => {
  assert.is(nearest('alias', ['alias']), null)
})

test('prefers the nearest, and of equals the first', () => {
  assert.is(nearest('hosts', ['hostz', 'host']), 'hostz')
  assert.is(nearest('pathRegex', ['pathPrefix', 'pathRegexp']), 'pathRegexp')
})
