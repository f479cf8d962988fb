import { commonEnds, diffLines } from '../../host/dashboard/app/diff.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('dashboard/diff')

const name = (line: string): string => line.split(':')[0] ?? ''

/** `= a`, `a > b`, `- a`, `+ a`. */
function shown(left: readonly string[], right: readonly string[], key: typeof name | null = null) {
  return diffLines(left, right, key).map((row) => {
    if (row.kind === 'same') return `= ${row.left}`
    if (row.kind === 'changed') return `${row.left} > ${row.right}`
    return row.kind === 'removed' ? `- ${row.left}` : `+ ${row.right}`
  })
}

test('what is equal stays, also around and between changes', () => {
  assert.equal(shown(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'd', 'e']), [
    '= a',
    'b > x',
    '= c',
    '= d',
    '+ e',
  ])
  assert.equal(shown([], []), [])
  assert.equal(shown(['a'], []), ['- a'])
  assert.equal(shown([], ['a']), ['+ a'])
})

test('with a key only lines of the same key are one that changed', () => {
  const left = ['a: 1', 'b: 1', 'cookie: x']
  assert.equal(shown(left, ['a: 2', 'x-new: 1', 'b: 1'], name), [
    'a: 1 > a: 2',
    '+ x-new: 1',
    '= b: 1',
    '- cookie: x',
  ])
  assert.equal(shown(['a: 1'], ['b: 1'], name), ['- a: 1', '+ b: 1'])
})

test('both sides are whole in any comparison, however long', () => {
  let seed = 7
  const next = (limit: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % limit
  }
  for (let round = 0; round < 300; round++) {
    const length = round === 0 ? 1_500 : next(12)
    const left = Array.from({ length }, () => `${next(4)}`)
    const right = Array.from({ length: round === 0 ? 1_400 : next(12) }, () => `${next(4)}`)
    const rows = diffLines(left, right, round % 2 === 0 ? null : name)
    assert.equal(
      rows.flatMap((row) => (row.left === null ? [] : [row.left])),
      left,
    )
    assert.equal(
      rows.flatMap((row) => (row.right === null ? [] : [row.right])),
      right,
    )
    for (const row of rows) assert.is(row.kind === 'same', row.left === row.right)
  }
})

test('the ends two lines share do not overlap', () => {
  assert.equal(commonEnds('/orders/42', '/v2/orders/42'), [1, 9])
  assert.equal(commonEnds('aaa', 'aa'), [2, 0])
  assert.equal(commonEnds('', 'a'), [0, 0])
  assert.equal(commonEnds('same', 'same'), [4, 0])
})
