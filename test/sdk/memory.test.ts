import { Body } from '../../host/exchange/body.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { compiledFixture, TestGuest } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/memory', { timeoutMs: 120_000 })

const REQUESTS = 100_000

test('memory stays level, and a value kept beyond its request stays what it was', async () => {
  const guest = await TestGuest.open(await compiledFixture('sdk/assembly/memory'))
  let before = ''
  let settled = 0
  for (let i = 0; i < REQUESTS; i++) {
    // Lengths differ, so that a buffer with bytes of an earlier request would show.
    const value = `${i % 200}-${'v'.repeat((i * 7) % 200)}-${i}`
    const request = makeRequest({ headers: ['x-value', value] })
    const upstream = new Response(200, new Headers(), Body.text(`body ${i}`))
    const { response } = await guest.run(request, upstream)
    assert.is(request.headers.get('x-kept'), before)
    if (i > 0) assert.is(request.headers.get('x-first'), '0--0')
    assert.is(request.headers.get(`x-${i % 200}`), value.replaceAll('-', ''))
    assert.is(response?.body.whole().toString(), `BODY ${i}`)
    before = value
    if (i === REQUESTS / 2) settled = guest.memoryBytes
  }
  assert.is(guest.memoryBytes, settled)
  assert.ok(settled <= 4 * 65_536, `${settled} bytes`)
})
