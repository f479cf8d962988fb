import fc from 'fast-check'
import type { Endpoint } from '../../../host/upstream/endpoint.ts'
import { fnv32 } from '../../../host/upstream/hash.ts'
import { BALANCE_POLICIES } from '../../../host/upstream/policies/builtin.ts'
import type { BalancePolicy, BalancePolicyKind } from '../../../host/upstream/policies/policy.ts'
import { createPrng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { countChoices, exchangeOf, fakeEndpoint, fakeEndpoints, seeded } from '../support.ts'

const test = suite('upstream/policies')

const random = seeded(createPrng(testSeed()).next)

function kindOf(policy: string): BalancePolicyKind {
  const kind = BALANCE_POLICIES.find((one) => one.policy === policy)
  if (kind === undefined) throw new Error(policy)
  return kind
}

function make(policy: string, endpoints: readonly Endpoint[], headerHashKey = ''): BalancePolicy {
  return kindOf(policy).create(endpoints, { headerHashKey, random })
}

const from = (address: number) =>
  exchangeOf({ remoteAddress: `10.1.${address >> 8}.${address & 255}` })

/** Every endpoint got its share of `times` choices, give or take `tolerance` of that share. */
function assertShares(
  counts: ReadonlyMap<Endpoint | undefined, number>,
  endpoints: readonly Endpoint[],
  times: number,
  tolerance: number,
): void {
  const total = endpoints.reduce((sum, { weight }) => sum + weight, 0)
  for (const endpoint of endpoints) {
    const expected = (times * endpoint.weight) / total
    const seen = counts.get(endpoint) ?? 0
    assert.ok(
      Math.abs(seen - expected) <= expected * tolerance,
      `${endpoint.url} got ${seen} of ${times}, not about ${expected}`,
    )
  }
}

test('every policy answers one of its endpoints, and nothing when there is none', () => {
  for (const { policy, isPinned } of BALANCE_POLICIES) {
    assert.is(make(policy, []).choose(exchangeOf()), undefined, policy)
    if (isPinned === true) continue
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 8 }),
        fc.nat(65_535),
        (weights, address) => {
          const endpoints = weights.map((weight, i) => fakeEndpoint(`http://h${i}`, weight))
          const chosen = make(policy, endpoints).choose(from(address))
          assert.ok(chosen !== undefined && endpoints.includes(chosen), policy)
        },
      ),
      { numRuns: 50 },
    )
  }
})

test('every policy gives each of equal endpoints about its share', () => {
  const endpoints = fakeEndpoints(5)
  const times = 20_000
  for (const { policy } of BALANCE_POLICIES) {
    if (policy === 'headerHash' || policy === 'cookieHash' || policy === 'forward') continue
    const made = make(policy, endpoints)
    const counts = countChoices(times, (turn) => made.choose(from(turn)))
    assertShares(counts, endpoints, times, policy === 'consistentHash' ? 0.25 : 0.08)
  }
  const byHeader = make('headerHash', endpoints, 'x-user')
  const byCookie = make('cookieHash', endpoints)
  const ask = (made: BalancePolicy, name: string) =>
    countChoices(times, (turn) => made.choose(exchangeOf({ headers: [name, `user=${turn}`] })))
  assertShares(ask(byHeader, 'X-User'), endpoints, times, 0.08)
  assertShares(ask(byCookie, 'Cookie'), endpoints, times, 0.08)
})

test('weights count for weightedRandom, leastRequest and consistentHash', () => {
  const endpoints = [10, 30, 60].map((weight, i) => fakeEndpoint(`http://h${i}`, weight))
  const times = 30_000
  for (const policy of ['weightedRandom', 'consistentHash']) {
    const made = make(policy, endpoints)
    const counts = countChoices(times, (turn) => made.choose(from(turn)))
    assertShares(counts, endpoints, times, policy === 'consistentHash' ? 0.25 : 0.1)
  }
  // Idle endpoints: of any two the heavier one.
  const counts = countChoices(1_000, () => make('leastRequest', endpoints).choose(exchangeOf()))
  assert.is(counts.get(endpoints[0]), undefined)
})

test('an endpoint of weight 0 gets nothing while another has a weight', () => {
  const endpoints = [fakeEndpoint('http://a', 0), fakeEndpoint('http://b', 1)]
  for (const policy of ['weightedRandom', 'leastRequest', 'consistentHash']) {
    const made = make(policy, endpoints)
    const counts = countChoices(500, (turn) => made.choose(from(turn)))
    assert.is(counts.get(endpoints[1]), 500, policy)
  }
})

test('roundRobin takes every endpoint in turn', () => {
  const endpoints = fakeEndpoints(3)
  const made = make('roundRobin', endpoints)
  const order = Array.from({ length: 7 }, () =>
    endpoints.indexOf(made.choose(exchangeOf()) as Endpoint),
  )
  assert.equal(order, [0, 1, 2, 0, 1, 2, 0])
})

test('a keyed policy gives equal requests the same endpoint', () => {
  const endpoints = fakeEndpoints(7)
  for (const { policy, isKeyed } of BALANCE_POLICIES) {
    if (isKeyed !== true) continue
    const made = make(policy, endpoints, 'x-user')
    const ask = () =>
      made.choose(
        exchangeOf({ remoteAddress: '10.9.9.9', headers: ['X-User', 'u', 'Cookie', 'a=b'] }),
      )
    const first = ask()
    for (let i = 0; i < 20; i++) assert.is(ask(), first, policy)
  }
})

test('the hashes choose the place that Easegress chooses', () => {
  // Values of Go's hash/fnv New32 for these texts.
  assert.is(fnv32(''), 0x811c9dc5)
  assert.is(fnv32('a'), 0x050c5d7e)
  assert.is(fnv32('foobar'), 0x31f0b262)
  const endpoints = fakeEndpoints(10)
  const chosen = make('headerHash', endpoints, 'x-key').choose(
    exchangeOf({ headers: ['x-key', 'foobar'] }),
  )
  assert.is(chosen, endpoints[0x31f0b262 % 10])
})

test('leastRequest keeps the longest queue short', () => {
  const endpoints = fakeEndpoints(20)
  const queueOf = (policy: string): number => {
    for (const { state } of endpoints) state.active = 0
    const made = make(policy, endpoints)
    for (let i = 0; i < 2_000; i++) {
      const chosen = made.choose(exchangeOf())
      if (chosen !== undefined) chosen.state.active += 1
    }
    return Math.max(...endpoints.map(({ state }) => state.active))
  }
  const longest = queueOf('leastRequest')
  assert.ok(longest <= 104, `the longest queue is ${longest}, the mean 100`)
  assert.ok(queueOf('random') > longest)
})

test('leastRequest leaves out an endpoint that is slow', () => {
  const endpoints = fakeEndpoints(3)
  const slow = endpoints[0] as Endpoint
  slow.state.active = 50
  const counts = countChoices(600, () => make('leastRequest', endpoints).choose(exchangeOf()))
  assert.is(counts.get(slow), undefined)
})

test('when an endpoint leaves the consistent hash only its keys move, and back when it returns', () => {
  const keys = Array.from({ length: 10_000 }, (_, i) =>
    exchangeOf({ headers: ['x-user', `u${i}`] }),
  )
  for (const count of [3, 10, 50]) {
    const endpoints = fakeEndpoints(count)
    const all = make('consistentHash', endpoints, 'x-user')
    const gone = endpoints[1] as Endpoint
    const fewer = make(
      'consistentHash',
      endpoints.filter((one) => one !== gone),
      'x-user',
    )
    let moved = 0
    for (const key of keys) {
      const before = all.choose(key)
      const after = fewer.choose(key)
      if (before === gone) moved += 1
      else assert.is(after, before)
      assert.not(after === gone)
    }
    const share = moved / keys.length
    assert.ok(
      share > 0.6 / count && share < 1.4 / count,
      `${share} of the keys of 1/${count} moved`,
    )
  }
})

test('the order of the list does not matter to the consistent hash', () => {
  const endpoints = fakeEndpoints(6)
  const one = make('consistentHash', endpoints)
  const other = make('consistentHash', endpoints.toReversed())
  for (let i = 0; i < 500; i++) assert.is(one.choose(from(i)), other.choose(from(i)))
})

test('forward takes the endpoint that the header names, and none that is not of the pool', () => {
  const endpoints = ['http://a:81', 'http://b', 'https://c'].map((url) => fakeEndpoint(url, 1))
  const made = make('forward', endpoints, 'x-to')
  const to = (address: string) => made.choose(exchangeOf({ headers: ['X-To', address] }))
  assert.is(to('a:81'), endpoints[0])
  assert.is(to('b:80'), endpoints[1])
  assert.is(to('c:443'), endpoints[2])
  for (const address of ['', 'a', 'a:80', '127.0.0.1:80', 'http://a:81']) {
    assert.is(to(address), undefined, address)
  }
  assert.is(made.choose(exchangeOf()), undefined)
})
