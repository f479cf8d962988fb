import fc from 'fast-check'
import { fieldName, newFieldName } from '../../host/exchange/field-name.ts'
import { isFieldValue, isToken } from '../../host/exchange/field-rules.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('exchange/headers')

test('finds a field whatever its case, and the first value when there are several', () => {
  const headers = new Headers(['Accept', 'a', 'X-One', '1', 'x-one', '2'])
  assert.is(headers.get('accept'), 'a')
  assert.is(headers.get('x-one'), '1')
  assert.equal(headers.getAll('x-one'), ['1', '2'])
  assert.is(headers.get('missing'), undefined)
})

test('set keeps the place of the field and leaves exactly one', () => {
  const headers = new Headers(['A', '1', 'X', '2', 'B', '3', 'x', '4'])
  headers.set('X', 'new')
  assert.equal([...headers.list], ['A', '1', 'X', 'new', 'B', '3'])
  headers.set('C', '5')
  assert.is(headers.get('c'), '5')
})

test('remove takes every field of the name and keeps the order of the others', () => {
  const headers = new Headers(['x', '1', 'A', '2', 'X', '3', 'B', '4'])
  headers.remove('X')
  assert.equal([...headers.list], ['A', '2', 'B', '4'])
})

test('a clone does not change with its original', () => {
  const headers = new Headers(['A', '1'])
  const clone = headers.clone()
  headers.set('A', '2')
  assert.is(clone.get('a'), '1')
})

test('behaves like a naive list under any sequence of changes', () => {
  const name = fc.constantFrom('a', 'A', 'b', 'x-long', 'X-Long')
  const change = fc.tuple(
    fc.constantFrom('set', 'add', 'remove'),
    name,
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.boolean(), (changes, isRead) => {
      const headers = isRead
        ? Headers.fromLines('a: 1\r\nX-Long: 2\r\n', 'Host: h\r\n')
        : new Headers()
      let naive: [string, string][] = isRead
        ? [
            ['Host', 'h'],
            ['a', '1'],
            ['X-Long', '2'],
          ]
        : []
      for (const [kind, key, value] of changes) {
        const isSame = ([other]: [string, string]): boolean =>
          other.toLowerCase() === key.toLowerCase()
        if (kind === 'add') {
          headers.add(key, value)
          naive.push([key, value])
        } else if (kind === 'remove') {
          headers.remove(key)
          naive = naive.filter((entry) => !isSame(entry))
        } else {
          headers.set(key, value)
          const first = naive.findIndex(isSame)
          if (first < 0) naive.push([key, value])
          else {
            naive = naive.filter((entry, at) => at === first || !isSame(entry))
            ;(naive[first] as [string, string])[1] = value
          }
        }
        const { readLines, addedLines, lines } = headers
        assert.is(lines, readLines === null ? null : readLines + addedLines)
        const sent = naive.slice(isRead ? 1 : 0).map(([name, text]) => `${name}: ${text}\r\n`)
        if (lines !== null) assert.is(lines, sent.join(''))
        assert.is(headers.get(key.toLowerCase()), naive.find(isSame)?.[1])
        const isOther = (other: string): boolean => other.toLowerCase() !== key.toLowerCase()
        const others = headers.filter(isOther)
        assert.equal([...others.list], naive.filter((entry) => !isSame(entry)).flat())
        assert.is(others.readLines === null, readLines === null)
        const copy = headers.clone()
        copy.add('c', '3')
        assert.is(copy.size, headers.size + 1)
        assert.equal([...copy.list], [...naive.flat(), 'c', '3'])
      }
      assert.equal([...headers.list], naive.flat())
    }),
  )
})

test('a value that would split a message is no field value', () => {
  for (const bad of ['a\r\nb', 'a\n', '\0', ' a', 'a ', '\u0100', 'a\x7f']) {
    assert.not(isFieldValue(bad), JSON.stringify(bad))
  }
  for (const good of ['', 'a', 'a b\tc', '\x80\xff', '"quoted"'])
    assert.ok(isFieldValue(good), good)
})

test('a name with a space, a colon or nothing in it is no token', () => {
  for (const bad of ['', 'a b', 'a:', 'ä', 'a\n']) assert.not(isToken(bad), JSON.stringify(bad))
  assert.ok(isToken("x-!#$%&'*+.^_`|~9"))
})

test('lines are read like the list they came from, and made anew when a field changes', () => {
  const lines = 'A: 1\r\nB:2\r\nC: \t x y \t\r\nD:\r\na: 3\r\n'
  const headers = Headers.fromLines(lines, 'Host: host:80\r\nX-Real-IP: 9\r\n')
  assert.is(headers.get('b'), '2')
  assert.equal(headers.getAll('a'), ['1', '3'])
  assert.equal(
    [...headers.list],
    ['Host', 'host:80', 'X-Real-IP', '9', 'A', '1', 'B', '2', 'C', 'x y', 'D', '', 'a', '3'],
  )
  headers.remove('missing')
  assert.is(headers.lines, lines)
  headers.add('E', '4')
  assert.is(headers.lines, `${lines}E: 4\r\n`)
  const clone = headers.clone()
  headers.set('b', 'new')
  headers.remove('c')
  assert.is(headers.lines, 'A: 1\r\nB: new\r\nD: \r\na: 3\r\nE: 4\r\n')
  assert.is(clone.lines, `${lines}E: 4\r\n`)
})

test('there are no lines once a field is not valid, or not to be sent on unseen', () => {
  const changes: ((headers: Headers) => void)[] = [
    (headers) => headers.set('a', 'x\r\nEvil: 1'),
    (headers) => headers.add('b', '\u010a'),
    (headers) => headers.add('b c', 'x'),
    (headers) => headers.add('', 'x'),
    (headers) => headers.set('Content-Length', '5'),
    (headers) => headers.add('Connection', 'a'),
    (headers) => headers.set('x-forwarded-for', '1.2.3.4'),
    (headers) => headers.set('host', 'b'),
    (headers) => headers.remove('host'),
    (headers) => headers.remove('date'),
  ]
  for (const change of changes) {
    const headers = Headers.fromLines('A: 1\r\nDate: x\r\n', 'Host: a\r\n')
    change(headers)
    assert.is(headers.lines, null, String(change))
    assert.is(headers.clone().lines, null)
  }
  assert.is(new Headers(['A', '1']).lines, null)
})

test('fields are found in lines where they lie, and those that are added stand behind them', () => {
  const headers = Headers.fromLines('Accept: a\r\nX-One:\t1 \r\n', 'Host: h\r\n')
  headers.add('x-one', '2')
  headers.set('B', 'b')
  assert.equal(
    Array.from({ length: headers.size }, (_, i) => [headers.nameAt(i), headers.valueAt(i)]),
    [
      ['Host', 'h'],
      ['Accept', 'a'],
      ['X-One', '1'],
      ['x-one', '2'],
      ['B', 'b'],
    ],
  )
  assert.equal([headers.find('x-one'), headers.find('x-one', 3), headers.find('x')], [2, 3, -1])
  const clone = headers.clone()
  clone.add('C', 'c')
  assert.is(headers.has('c'), false)
  assert.is(clone.lines, `${headers.lines}C: c\r\n`)
  assert.is(clone.apartLines, 'Host: h\r\n')
  const { list } = headers
  assert.equal(list.slice(-4), ['x-one', '2', 'B', 'b'])
  headers.add('D', 'd')
  assert.is(headers.get('d'), 'd')
})

test('a name is looked at once, whoever writes it', () => {
  const { name, lower, isApart } = fieldName('X-One') ?? newFieldName('', '')
  assert.equal([name, lower, isApart], ['X-One', 'x-one', false])
  assert.is(fieldName('X-One'), fieldName('X-One'))
  assert.is(fieldName('Host')?.isApart, true)
  assert.is(fieldName('a b'), null)
})

test('more headers than there are indices are looked into in turn, while fields are added to them', () => {
  const all = ['a', 'b', 'c', 'd'].map((name) =>
    Headers.fromLines(`x-of: ${name}\r\nX-Two: 2 \r\n`, `host: ${name}\r\n`),
  )
  const added = fieldName('x-added')
  for (let round = 0; round < 3; round++) {
    for (const [i, headers] of all.entries()) {
      const name = 'abcd'[i]
      assert.is(headers.get('host'), name)
      assert.is(headers.get('x-of'), name)
      assert.is(headers.size, 3 + round)
      if (added !== null) headers.addField(added, `${name}${round}`)
      assert.is(headers.getAll('x-added').at(-1), `${name}${round}`)
      assert.is(headers.valueAt(2), '2')
    }
  }
  assert.is(all[2]?.lines, 'x-of: c\r\nX-Two: 2 \r\nx-added: c0\r\nx-added: c1\r\nx-added: c2\r\n')
})

test('a line that was added before is added as it is now', () => {
  const name = fieldName('X-Line') ?? newFieldName('', '')
  const lines = (value: string): string | null => {
    const headers = Headers.fromLines('a: 1\r\n')
    headers.setField(name, value)
    return headers.lines
  }
  const long = 'v'.repeat(100)
  for (const value of ['', 'one', 'one', 'two', '', long, 'two', long]) {
    assert.is(lines(value), `a: 1\r\nX-Line: ${value}\r\n`)
  }
})
