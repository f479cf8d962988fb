import fc from 'fast-check'
import { ConcurrencyLimit } from '../../host/resilience/concurrency-limit.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/concurrency-limit')

test('never more places are taken than there are, like a set of callers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.boolean()), (size, moves) => {
      const limit = new ConcurrencyLimit(size)
      const inside = new Set<number>()
      let refused = 0
      for (const [caller, isComing] of moves.entries()) {
        if (isComing) {
          const isFree = inside.size < size
          assert.is(limit.acquire(), isFree)
          if (isFree) inside.add(caller)
          else refused += 1
        } else {
          const [first] = inside
          if (first === undefined) continue
          inside.delete(first)
          limit.release()
        }
        assert.is(limit.active, inside.size)
      }
      assert.is(limit.refused, refused)
    }),
  )
})
