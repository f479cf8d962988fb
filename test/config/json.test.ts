import { formatPath, parsePath, pathKey, setValueAt, valueAt } from '../../host/config/json.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/json')

test('writes a path as a person would', () => {
  assert.is(formatPath(['filters', 1, 'limit']), 'filters[1].limit')
  assert.is(formatPath(['headers', 'a.b', 0]), 'headers["a.b"][0]')
  assert.is(formatPath([]), '')
})

test('reads a path that it has written', () => {
  for (const path of [
    [],
    ['filters', 1, 'limit'],
    ['headers', 'a.b', 0],
    [0],
    ['a"b\\', 'c d', '$x-y'],
  ]) {
    assert.equal(parsePath(formatPath(path)), path)
  }
  for (const text of ['a b', 'a[', '["a', '[x]', 'a..b']) assert.is(parsePath(text), null, text)
})

test('gives different paths different keys', () => {
  assert.is.not(pathKey(['a', '0']), pathKey(['a', 0]))
  assert.is.not(pathKey(['a.b']), pathKey(['a', 'b']))
})

test('finds own values only', () => {
  const data = { a: [{ b: 1 }] }
  assert.is(valueAt(data, ['a', 0, 'b']), 1)
  assert.is(valueAt(data, ['a', 1, 'b']), undefined)
  assert.is(valueAt(data, ['constructor', 'name']), undefined)
  assert.is(valueAt(data, ['a', 'length', 'x']), undefined)
})

test('sets a value that is there and nothing else', () => {
  const data = { a: [{ b: 1 }] }
  setValueAt(data, ['a', 0, 'b'], 2)
  setValueAt(data, ['a', 0, 'c'], 3)
  setValueAt(data, ['__proto__', 'polluted'], 4)
  assert.equal(data, { a: [{ b: 2 }] })
  assert.is(Reflect.get({}, 'polluted'), undefined)
})
