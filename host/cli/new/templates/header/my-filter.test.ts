import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFilter } from '@penstock/gateway/testing'

const parameters = { token: 'secret', tenant: 'acme' }
const headers = { authorization: 'Bearer secret' }

test('a request with the token goes on, with its tenant and without the token', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  const { result, requestChanges } = await filter.request({ path: '/orders', headers })
  assert.equal(result, 'next')
  assert.deepEqual(requestChanges, ['- authorization: Bearer secret', '+ x-tenant: acme'])
})

test('any other request is answered with 401 and never reaches the upstream', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  for (const authorization of ['Bearer wrong', 'secret', '']) {
    const { reply, reachedUpstream } = await filter.request({ headers: { authorization } })
    assert.equal(reply?.status, 401)
    assert.equal(reply?.headers.get('www-authenticate'), 'Bearer')
    assert.equal(reachedUpstream, false)
  }
})

test('memory does not grow with the number of requests', async () => {
  const filter = await loadFilter('build/my-filter.wasm', { parameters })
  const leak = await filter.leakCheck({ headers })
  assert.equal(leak.isLeaking, false)
})
