import { differences } from '../../host/config/differences.ts'
import { formatPath } from '../../host/config/json.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/differences')

const paths = (a: unknown, b: unknown): string[] => differences(a, b).map(formatPath)

test('equal values have none, whatever the order of their keys', () => {
  assert.equal(paths({ a: 1, b: [{ c: null, d: 'x' }] }, { b: [{ d: 'x', c: null }], a: 1 }), [])
})

test('a value that is another one, or that only one side has, is named by its path', () => {
  assert.equal(paths({ a: { b: 1, c: 2 } }, { a: { b: 1, c: 3 } }), ['a.c'])
  assert.equal(paths({ a: 1 }, { b: 1 }), ['a', 'b'])
  assert.equal(paths({ list: [1, 2] }, { list: [1, 2, 3] }), ['list[2]'])
  assert.equal(paths({ a: [] }, { a: {} }), ['a'])
  assert.equal(paths({ a: null }, { a: {} }), ['a'])
  assert.equal(paths({ a: '1' }, { a: 1 }), ['a'])
})
