import { Cleanup, startUpstream, until } from '../support/gateway.ts'
import { type ProxyGateway, startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/breaker-policies', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A Proxy with one server, which fails or takes its time as `state` says, behind a breaker. */
async function start(fields: object) {
  const state = { isFailing: false, delayMs: 0, served: 0 }
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    state.served += 1
    outgoing.statusCode = state.isFailing ? 503 : 200
    setTimeout(() => outgoing.end('answer'), state.delayMs)
  })
  const breaker = { name: 'breaker', kind: 'CircuitBreaker', ...fields }
  const policies = `resilience: ${JSON.stringify([breaker])}`
  const pool = { servers: [{ url: upstream.url }], circuitBreakerPolicy: 'breaker' }
  const gateway = await startProxy(cleanup, { pools: [pool] }, policies)
  /** A change of something else: the breaker goes on as it is. */
  const changeOther = () => gateway.change({ pools: [{ ...pool, timeout: '9s' }] })
  return { gateway, state, changeOther }
}

const stateOf = ({ status }: ProxyGateway): string => status().mainPool.circuitBreaker.state

async function ask({ get }: ProxyGateway, count: number): Promise<number[]> {
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push((await get('/')).status)
  return seen
}

test('slow calls open the breaker as failures do', async () => {
  const { gateway, state, changeOther } = await start({
    slidingWindowSize: 4,
    minimumNumberOfCalls: 4,
    slowCallRateThreshold: 50,
    slowCallDurationThreshold: '1s',
    waitDurationInOpenState: '1h',
  })
  assert.equal(await ask(gateway, 2), [200, 200])
  state.delayMs = 1_300
  assert.equal(await ask(gateway, 2), [200, 200])
  assert.is(stateOf(gateway), 'open')
  await changeOther()
  assert.equal(await ask(gateway, 2), [503, 503])
  assert.is(state.served, 4)
})

test('a window of time counts the calls of its seconds', async () => {
  const { gateway, state, changeOther } = await start({
    slidingWindowType: 'TIME_BASED',
    slidingWindowSize: 3_600,
    minimumNumberOfCalls: 6,
    failureRateThreshold: 50,
    waitDurationInOpenState: '1h',
  })
  await ask(gateway, 3)
  state.isFailing = true
  await ask(gateway, 2)
  assert.is(stateOf(gateway), 'closed')
  // The calls so far count on after a change.
  await changeOther()
  await ask(gateway, 1)
  assert.is(stateOf(gateway), 'open')
  await ask(gateway, 1)
  assert.is(state.served, 6)
})

test('half open, the breaker opens again when the upstream is not well, and closes when it is', async () => {
  const { gateway, state, changeOther } = await start({
    slidingWindowSize: 2,
    minimumNumberOfCalls: 2,
    permittedNumberOfCallsInHalfOpenState: 2,
    waitDurationInOpenState: '300ms',
  })
  state.isFailing = true
  await ask(gateway, 2)
  assert.is(stateOf(gateway), 'open')
  const servedAfter = async (served: number): Promise<void> =>
    until(
      async () => {
        await gateway.get('/')
        return state.served >= served
      },
      `call ${served} reaches the server`,
      20_000,
    )
  await servedAfter(3)
  assert.is(stateOf(gateway), 'halfOpen')
  await changeOther()
  assert.is(stateOf(gateway), 'halfOpen')
  await ask(gateway, 1)
  assert.is(stateOf(gateway), 'open')
  state.isFailing = false
  await servedAfter(5)
  await ask(gateway, 1)
  assert.is(stateOf(gateway), 'closed')
  assert.equal(await ask(gateway, 2), [200, 200])
})

test('half open for too long, the breaker opens again', async () => {
  const { gateway, state } = await start({
    slidingWindowSize: 1,
    minimumNumberOfCalls: 1,
    permittedNumberOfCallsInHalfOpenState: 3,
    waitDurationInOpenState: '0s',
    maxWaitDurationInHalfOpenState: '200ms',
  })
  // With one call of three the state stays half open: what the permitted calls come to is not known.
  state.isFailing = true
  await ask(gateway, 1)
  assert.is(stateOf(gateway), 'open')
  state.isFailing = false
  state.delayMs = 500
  assert.equal(await ask(gateway, 1), [200])
  assert.is(stateOf(gateway), 'open')
})
