import fc from 'fast-check'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('plugins/redact-property', { timeoutMs: 120_000 })

/** What the client gets of a value the upstream sent. */
async function seen(filter: TestFilter, value: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const run = await filter.request({ upstream: { headers, body: JSON.stringify(value) } })
  assert.is(run.error, null)
  return run.response.json()
}

test('JSON without a match stays as it is, and what is under a path is gone from any', async () => {
  const parameters = { paths: '**.secret', kinds: 'email' }
  const filter = await loadFilter(new URL('../../plugins/redact/', import.meta.url), { parameters })
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.string(), async (value, name) => {
      assert.equal(await seen(filter, [value]), JSON.parse(JSON.stringify([value])))
      const hidden = { [name]: value, secret: [value, { a: 'TOP' }] }
      const around = await seen(filter, { [name]: [hidden, value] })
      assert.not.match(JSON.stringify(around), 'TOP')
    }),
    { numRuns: 200 },
  )
})
