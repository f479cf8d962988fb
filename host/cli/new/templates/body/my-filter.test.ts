import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFilter } from '@penstock/gateway/testing'

const parameters = { hide: 'password, token' }
const headers = { 'content-type': 'application/json' }

test('the fields are taken out, the others stay as they were', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  const body = '{"id":17,"password":"abc","note":"größer","token":1.50}'
  const { response } = await filter.request({ upstream: { headers, body } })
  assert.equal(response.text(), '{"id":17,"note":"größer"}')
})

test('what is no JSON, or says it is not, passes unchanged', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  const answers = [
    { headers, body: '{"password": ' },
    { headers, body: '{"id": 17}' },
    { headers: { 'content-type': 'text/plain' }, body: '{"password":"abc"}' },
  ]
  for (const upstream of answers) {
    const { responseChanges } = await filter.request({ upstream })
    assert.deepEqual(responseChanges, [])
  }
})

test('memory does not grow with the number of requests', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  const upstream = { headers, body: '{"id":17,"password":"abc"}' }
  const leak = await filter.leakCheck({ upstream })
  assert.equal(leak.isLeaking, false)
})
