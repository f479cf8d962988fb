import { UsagePool } from '../host/usage-pool.ts'
import { assert, suite } from './support/suite.ts'

const test = suite('usage-pool')

test('a value is made once for a key, and ended with its last use', () => {
  const pool = new UsagePool()
  const ended: object[] = []
  let made = 0
  const acquire = (key: string) =>
    pool.acquire(
      key,
      () => {
        made += 1
        return { key }
      },
      (value) => ended.push(value),
    )
  const [first, second, other] = [acquire('a'), acquire('a'), acquire('b')]
  assert.is(first.value, second.value)
  assert.not(first.value === other.value)
  assert.is(made, 2)
  assert.is(pool.size, 2)
  first.release()
  // A second release of the same use is none.
  first.release()
  assert.equal(ended, [])
  second.release()
  assert.equal(ended, [{ key: 'a' }])
  assert.is(pool.size, 1)
  const again = acquire('a')
  assert.not(again.value === first.value)
  assert.is(made, 3)
  again.release()
  other.release()
  assert.is(pool.size, 0)
})

test('what cannot be made leaves nothing behind', () => {
  const pool = new UsagePool()
  const fail = () =>
    pool.acquire(
      'a',
      () => {
        throw new Error('no')
      },
      () => undefined,
    )
  assert.throws(fail, /no/)
  assert.is(pool.size, 0)
})
