import fc from 'fast-check'
import type { Endpoint } from '../../../host/upstream/endpoint.ts'
import { fnv32, mix32 } from '../../../host/upstream/hash.ts'
import { BALANCE_POLICIES } from '../../../host/upstream/policies/builtin.ts'
import { POINTS_PER_ENDPOINT } from '../../../host/upstream/policies/hash-ring.ts'
import { assert, suite } from '../../support/suite.ts'
import { exchangeOf, fakeEndpoint } from '../support.ts'

/** Every policy against a naive one that counts, copies and searches, fed with the same chance. */
const test = suite('upstream/policies/model', { timeoutMs: 60_000 })

/** A request, as far as policies look at one, and the chance that is drawn for it. */
interface Asked {
  readonly address: string
  readonly key: string
  readonly cookie: string
  readonly draws: readonly number[]
}

interface Turn {
  readonly turn: number
  readonly endpoints: readonly Endpoint[]
  readonly asked: Asked
}

const at = <T>(list: readonly T[], share: number): T | undefined =>
  list[Math.floor(share * list.length)]

const byHash = (endpoints: readonly Endpoint[], key: string): Endpoint | undefined =>
  endpoints[fnv32(key) % endpoints.length]

/** `times` copies of each endpoint, by its weight: the smaller its index the earlier they stand. */
const copies = (endpoints: readonly Endpoint[]): Endpoint[] =>
  endpoints.flatMap((endpoint) => new Array<Endpoint>(endpoint.weight).fill(endpoint))

const loadOf = ({ state, weight }: Endpoint): number => (state.active + 1) / (weight || 1)

const NAIVE: Readonly<Record<string, (turn: Turn) => Endpoint | undefined>> = {
  roundRobin: ({ turn, endpoints }) => endpoints[turn % endpoints.length],
  random: ({ endpoints, asked }) => at(endpoints, asked.draws[0] ?? 0),
  weightedRandom: ({ endpoints, asked }) => {
    const weighty = copies(endpoints)
    return at(weighty.length === 0 ? endpoints : weighty, asked.draws[0] ?? 0)
  },
  ipHash: ({ endpoints, asked }) => byHash(endpoints, asked.address),
  headerHash: ({ endpoints, asked }) => byHash(endpoints, asked.key),
  cookieHash: ({ endpoints, asked }) => byHash(endpoints, asked.cookie),
  forward: ({ endpoints, asked }) =>
    endpoints.findLast(({ origin }) => new URL(origin).host === asked.key),
  leastRequest: ({ endpoints, asked }) => {
    const weighty = endpoints.filter(({ weight }) => weight > 0)
    const list = weighty.length === 0 ? [...endpoints] : weighty
    const first = at(list, asked.draws[0] ?? 0)
    if (first === undefined || list.length === 1) return first
    // The last takes the place of the first one, so that two of them are different.
    const last = list.at(-1) as Endpoint
    const others = list.slice(0, -1).map((one) => (one === first ? last : one))
    const second = at(others, asked.draws[1] ?? 0) as Endpoint
    return loadOf(second) < loadOf(first) ? second : first
  },
  consistentHash: ({ endpoints, asked }) => {
    const total = endpoints.reduce((sum, { weight }) => sum + weight, 0)
    const place = mix32(fnv32(asked.key))
    let nearest: { distance: number; url: string; endpoint: Endpoint } | undefined
    for (const endpoint of endpoints) {
      const share = total === 0 ? 1 : (endpoint.weight * endpoints.length) / total
      for (let i = 0; i < Math.round(POINTS_PER_ENDPOINT * share); i++) {
        const distance = (mix32(fnv32(`${i} ${endpoint.url}`)) - place + 2 ** 32) % 2 ** 32
        const isNearer =
          nearest === undefined ||
          distance < nearest.distance ||
          (distance === nearest.distance && endpoint.url < nearest.url)
        if (isNearer) nearest = { distance, url: endpoint.url, endpoint }
      }
    }
    return nearest?.endpoint
  },
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const asks = fc.array(
  fc.record({
    address: fc.ipV4(),
    key: fc.oneof(
      fc.string(),
      fc.nat(7).map((i) => `h${i}:81`),
    ),
    cookie: fc.string(),
    draws: fc.tuple(share, share),
    /** Whose number of running requests changes before it, and to what. */
    busy: fc.tuple(fc.nat(7), fc.nat(5)),
  }),
  { minLength: 1, maxLength: 20 },
)

test('every policy has a naive one', () => {
  assert.equal(Object.keys(NAIVE).sort(), BALANCE_POLICIES.map(({ policy }) => policy).sort())
})

for (const kind of BALANCE_POLICIES) {
  test(`${kind.policy} chooses what a naive one chooses`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 8 }), asks, (weights, list) => {
        const endpoints = weights.map((weight, i) => fakeEndpoint(`http://h${i}:81`, weight))
        let draws: number[] = []
        const policy = kind.create(endpoints, {
          headerHashKey: 'x-key',
          random: () => draws.shift() ?? 0,
        })
        for (const [turn, asked] of list.entries()) {
          const [who, active] = asked.busy
          const busy = endpoints[who % endpoints.length]
          if (busy !== undefined) busy.state.active = active
          draws = [...asked.draws]
          const { address, key, cookie } = asked
          const scope = exchangeOf({
            remoteAddress: address,
            headers: ['x-key', key, 'cookie', cookie],
          })
          const seen = policy.choose(scope)
          const wanted = NAIVE[kind.policy]?.({ turn, endpoints, asked })
          assert.is(seen?.url, wanted?.url)
        }
      }),
      { numRuns: 200 },
    )
  })
}
