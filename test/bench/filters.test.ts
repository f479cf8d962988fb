import { FILTER_ROWS, WITHOUT_A_ROW } from '../../bench/support/filter-rows.ts'
import { openFilter } from '../../bench/support/filter-subject.ts'
import { promised } from '../../host/exchange/late.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('bench/filters')

test('every native filter is measured, or it is said why not', () => {
  const rows = new Set(FILTER_ROWS.map(({ kind }) => kind))
  for (const { kind } of FILTER_KINDS) assert.ok(rows.has(kind) !== WITHOUT_A_ROW.has(kind), kind)
})

test('every row does what it is measured for, more than once', async () => {
  for (const row of FILTER_ROWS) {
    const { name, filter, result, newExchange } = await openFilter(row)
    for (let i = 0; i < 3; i++)
      assert.is(await promised(filter.handle(newExchange())), result, name)
    await filter.close?.()
  }
})
