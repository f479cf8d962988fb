import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { Cleanup, startUpstream, until } from '../support/gateway.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-resilience')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A port that nobody listens on. */
const DEAD = 'http://127.0.0.1:1'

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

const policies = (...list: object[]): string => `resilience: ${JSON.stringify(list)}`

const RETRY = { name: 'retry', kind: 'Retry', waitDuration: '1ms' }

/** Answers each request with the next status of the list, the last one for ever. */
function statuses(...list: number[]) {
  const left = list.slice()
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const status = left.length > 1 ? left.shift() : left[0]
    incoming.resume().on('end', () => {
      outgoing.statusCode = status ?? 200
      outgoing.end(`answer ${status}`)
    })
  }
}

test('a failed GET is tried again, at another server where there is one', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const good = await startUpstream(cleanup, statuses(200))
  const pools = [{ servers: servers(bad.url, DEAD, good.url), retryPolicy: 'retry' }]
  const { get, status } = await startProxy(cleanup, { pools }, policies(RETRY))
  for (let i = 0; i < 6; i++) assert.is((await get('/')).status, 200)
  const { requests, attempts } = status().mainPool
  assert.is(requests, 6)
  assert.ok(attempts > 6)
})

test('after the last attempt the answer of the upstream goes to the client, with the result failureCode', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const pools = [{ servers: servers(bad.url), retryPolicy: 'retry' }]
  const { get } = await startProxy(cleanup, { pools }, policies(RETRY))
  const answer = await get('/')
  assert.is(answer.status, 503)
  assert.is(answer.body, 'answer 503')
  assert.is(bad.requests.length, 3)
})

test('a POST is tried again only when nothing of it was sent, a PUT with its whole body', async () => {
  const bodies: string[] = []
  const flaky = await startUpstream(cleanup, (incoming, outgoing) => {
    let body = ''
    incoming.on('data', (chunk) => {
      body += chunk
    })
    incoming.on('end', () => {
      bodies.push(body)
      outgoing.statusCode = bodies.length % 2 === 1 ? 503 : 200
      outgoing.end()
    })
  })
  const pools = [{ servers: servers(flaky.url), retryPolicy: 'retry' }]
  const { get, change } = await startProxy(cleanup, { pools }, policies(RETRY))
  const big = 'x'.repeat(200_000)
  assert.is((await get('/', { method: 'POST', body: big })).status, 503)
  assert.is(bodies.length, 1)
  bodies.length = 0
  assert.is((await get('/', { method: 'PUT', body: big })).status, 200)
  assert.equal(bodies, [big, big])
  bodies.length = 1
  await change({ pools: [{ servers: servers(DEAD, flaky.url), retryPolicy: 'retry' }] })
  for (let i = 0; i < 3; i++) {
    bodies.length = 1
    assert.is((await get('/', { method: 'POST', body: big })).status, 200)
    assert.equal(bodies, [bodies[0] ?? '', big])
  }
})

test('a body of unknown length streams, and is sent once', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const pools = [{ servers: servers(bad.url), retryPolicy: 'retry' }]
  const { port } = await startProxy(cleanup, { pools }, policies(RETRY))
  const status = await new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/', method: 'PUT', agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    call.write('first')
    void until(() => bad.requests.length === 1, 'the upload').then(() => call.end('last'))
  })
  assert.is(status, 503)
  assert.is(bad.requests.length, 1)
})

test('each attempt has its own timeout; past the last one the result is timeout', async () => {
  let count = 0
  const slowOnce = await startUpstream(cleanup, (_, outgoing) => {
    count += 1
    if (count !== 1) outgoing.end('fast')
  })
  const silent = await startUpstream(cleanup, () => undefined)
  const pool = { retryPolicy: 'retry', timeout: '500ms' }
  const { get, change } = await startProxy(
    cleanup,
    { pools: [{ ...pool, servers: servers(slowOnce.url) }] },
    policies(RETRY),
  )
  assert.is((await get('/')).body, 'fast')
  await change({ pools: [{ ...pool, servers: servers(silent.url) }] })
  assert.is((await get('/')).status, 504)
  assert.is(silent.requests.length, 3)
})

test('no more retries run at once than the budget allows', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const retry = {
    ...RETRY,
    // Longer than the first attempts of all take: no retry ends while another asks for its place.
    waitDuration: '2s',
    retryBudget: { budgetPercent: 20, minRetryConcurrency: 0 },
  }
  const pools = [{ servers: servers(bad.url), retryPolicy: 'retry' }]
  const { get } = await startProxy(cleanup, { pools }, policies(retry))
  await Promise.all(Array.from({ length: 20 }, () => get('/')))
  assert.ok(bad.requests.length <= 20 + 8, `${bad.requests.length} attempts for 20 requests`)
})

test('what runs at a change counts in the budget of the next generation, while the policy is the same', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const retry = {
    ...RETRY,
    waitDuration: '60s',
    retryBudget: { budgetPercent: 0, minRetryConcurrency: 1 },
  }
  const pool = { servers: servers(bad.url), retryPolicy: 'retry' }
  const { get, port, change, status } = await startProxy(
    cleanup,
    { pools: [pool] },
    policies(retry),
  )
  // Its retry waits, and is the only one there may be.
  const call = request({ host: '127.0.0.1', port, path: '/', agent: false })
  cleanup.add(() => call.destroy())
  call.on('error', () => undefined)
  call.end()
  await until(() => bad.requests.length === 1, 'the first attempt')
  await change({ pools: [{ ...pool, timeout: '9s' }] })
  assert.is((await get('/')).body, 'answer 503')
  assert.is(bad.requests.length, 2)
  assert.is(status().mainPool.retry.overBudget, 1)
})

test('the circuit breaker refuses after enough failures, keeps its state over a change of other parts, and closes again', async () => {
  const upstream = await startUpstream(cleanup, statuses(503, 503, 503, 503, 200))
  const breaker = {
    name: 'breaker',
    kind: 'CircuitBreaker',
    slidingWindowSize: 4,
    minimumNumberOfCalls: 4,
    permittedNumberOfCallsInHalfOpenState: 1,
    waitDurationInOpenState: '3s',
  }
  const pool = { servers: servers(upstream.url), circuitBreakerPolicy: 'breaker' }
  const { get, change, status } = await startProxy(cleanup, { pools: [pool] }, policies(breaker))
  for (let i = 0; i < 4; i++) assert.is((await get('/')).body, 'answer 503')
  assert.is(status().mainPool.circuitBreaker.state, 'open')
  const refused = await get('/')
  assert.is(refused.status, 503)
  assert.not(refused.body.includes('answer'))
  assert.is(upstream.requests.length, 4)
  await change({ pools: [{ ...pool, timeout: '9s' }] })
  assert.is(status().mainPool.circuitBreaker.state, 'open')
  assert.not((await get('/')).body.includes('answer'))
  await until(async () => (await get('/')).status === 200, 'the breaker lets a request through')
  assert.is(status().mainPool.circuitBreaker.state, 'closed')
})

test('a breaker whose own policy changes starts anew; shortCircuited can jump', async () => {
  const upstream = await startUpstream(cleanup, statuses(500))
  const breaker = {
    name: 'breaker',
    kind: 'CircuitBreaker',
    slidingWindowSize: 2,
    minimumNumberOfCalls: 2,
  }
  const fields = { pools: [{ servers: servers(upstream.url), circuitBreakerPolicy: 'breaker' }] }
  const { get, change } = await startProxy(cleanup, fields, policies(breaker))
  for (let i = 0; i < 3; i++) await get('/')
  assert.is(upstream.requests.length, 2)
  await change(fields, policies({ ...breaker, failureRateThreshold: 60 }))
  await get('/')
  assert.is(upstream.requests.length, 3)
  const jumps = 'flow: [{ filter: proxy, jumpIf: { shortCircuited: END, failureCode: END } }]'
  await change(fields, `${policies(breaker)}\n${jumps}`)
  for (let i = 0; i < 3; i++) assert.ok((await get('/')).status >= 500)
})

test('a client that leaves while a retry waits ends it, and counts for nobody', async () => {
  const bad = await startUpstream(cleanup, statuses(503))
  const retry = { ...RETRY, waitDuration: '10s' }
  const pools = [{ servers: servers(bad.url), retryPolicy: 'retry' }]
  const { port, lines, status } = await startProxy(cleanup, { pools }, policies(retry))
  const call = request({ host: '127.0.0.1', port, path: '/', agent: false })
  call.on('error', () => undefined)
  call.end()
  await until(() => bad.requests.length === 1, 'the first attempt')
  call.destroy()
  await until(() => status().mainPool.failures === 1, 'the end of the request')
  assert.is(bad.requests.length, 1)
  await until(() => lines.some((line) => line.includes('"msg":"request"')), 'the access log')
})

test('past maxRequests a request is answered at once', async () => {
  const held: ServerResponse[] = []
  const slow = await startUpstream(cleanup, (_, outgoing) => void held.push(outgoing))
  const fields = { pools: [{ servers: servers(slow.url), maxRequests: 2 }] }
  const { get, change, status } = await startProxy(cleanup, fields)
  const waiting = [get('/'), get('/')]
  await until(() => held.length === 2, 'two requests')
  assert.is((await get('/')).status, 503)
  // The places that are taken stay taken in the next generation.
  await change({ ...fields, maxRedirection: 1 })
  assert.is((await get('/')).status, 503)
  for (const outgoing of held.splice(0)) outgoing.end('done')
  for (const answer of await Promise.all(waiting)) assert.is(answer.body, 'done')
  await until(() => status().mainPool.maxRequests.active === 0, 'the places are free')
  const again = get('/')
  await until(() => held.length === 1, 'a request after them')
  held[0]?.end('again')
  assert.is((await again).body, 'again')
})
