import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestUpstream,
  until,
} from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('fault/upstream', { timeoutMs: 120_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const CONNECTIONS = 16

/** Requests of one phase at least: shares of fewer say nothing, and a busy machine makes few a second. */
const REQUESTS_PER_PHASE = 250

/** How long a phase may take to get so far. */
const PHASE_LIMIT_MS = 20_000

/**
 * What is answered without asking a server takes no longer, on a machine that does much else: much less
 * than waiting for a connection (2 s) or for an answer (15 s).
 */
const AT_ONCE_MS = 1_000

interface Flapping {
  readonly upstream: TestUpstream
  readonly state: { isFailing: boolean; share: number; served: number }
}

/** While it is failing, `share` of its answers are 503, spread evenly. */
async function startFlapping(share: number): Promise<Flapping> {
  const state = { isFailing: false, share, served: 0 }
  let failures = 0
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    state.served += 1
    failures += state.isFailing ? state.share : 0
    const fails = state.isFailing && failures >= 1
    if (fails) failures -= 1
    outgoing.statusCode = fails ? 503 : 200
    outgoing.end('answer')
  })
  return { upstream, state }
}

/** One of three servers fails by turns, at least `phaseMs` long each; answers what clients and servers saw. */
async function runFlapping(share: number, phaseMs: number, phases: number) {
  const flapping = await startFlapping(share)
  const others = [await startFlapping(0), await startFlapping(0)]
  const all = [flapping, ...others]
  const { port, status } = await startProxy(
    cleanup,
    {
      pools: [
        {
          servers: all.map(({ upstream }) => ({ url: upstream.url })),
          retryPolicy: 'retry',
          outlierDetection: { consecutive5xx: 5, baseEjectionTime: `${phaseMs * 2}ms` },
        },
      ],
    },
    'resilience: [{ name: retry, kind: Retry, maxAttempts: 3, waitDuration: 1ms }]',
  )
  const load = startLoad(port, '/', CONNECTIONS, ({ status: code }) =>
    code === 200 ? null : `status ${code}`,
  )
  const served = (): number => status().mainPool.requests as number
  for (let phase = 0; phase < phases; phase++) {
    flapping.state.isFailing = phase % 2 === 0
    const before = served()
    await new Promise((resolve) => setTimeout(resolve, phaseMs))
    const isEnough = () => served() - before >= REQUESTS_PER_PHASE
    await until(isEnough, `${REQUESTS_PER_PHASE} requests of a phase`, PHASE_LIMIT_MS)
  }
  const { requests, failures } = await load.stop()
  const attempts = all.reduce((sum, { state }) => sum + state.served, 0)
  return { requests, failures, attempts, status: status().mainPool, flapping }
}

test('of a server that goes down and up clients see at most 1 % errors, and upstreams at most 1.2 times the requests', async () => {
  const { requests, failures, attempts, flapping } = await runFlapping(1, 500, 4)
  assert.ok(requests >= 4 * REQUESTS_PER_PHASE, `${requests} requests`)
  assert.ok(failures.length <= requests * 0.01, `${failures.length} of ${requests} failed`)
  assert.ok(attempts <= requests * 1.2, `${attempts} attempts for ${requests} requests`)
  // Ejected after five errors and what was under way, it gets no more until it is tried again.
  assert.ok(flapping.state.served < requests / 2)
})

test('of a server that fails every other request too', async () => {
  const { requests, failures, attempts } = await runFlapping(0.5, 500, 4)
  assert.ok(requests >= 4 * REQUESTS_PER_PHASE, `${requests} requests`)
  assert.ok(failures.length <= requests * 0.01, `${failures.length} of ${requests} failed`)
  assert.ok(attempts <= requests * 1.2, `${attempts} attempts for ${requests} requests`)
})

test('while all servers are dead a request is answered 503 at once, and soon after they return all are served', async () => {
  const state = { isWell: true }
  const make = () =>
    startUpstream(cleanup, (incoming, outgoing) => {
      if (state.isWell) outgoing.end('answer')
      else incoming.socket.destroy()
    })
  const upstreams = [await make(), await make()]
  const { port, get, status } = await startProxy(cleanup, {
    pools: [
      {
        servers: upstreams.map(({ url }) => ({ url })),
        healthCheck: { interval: '100ms', timeout: '500ms', uri: '/' },
      },
    ],
  })
  assert.is((await get('/')).status, 200)
  state.isWell = false
  const healths = (): string[] =>
    status().mainPool.servers.map((one: { health: string }) => one.health)
  await until(() => healths().every((one) => one === 'unhealthy'), 'all are unhealthy')
  let slowestMs = 0
  for (let i = 0; i < 50; i++) {
    const startedAt = performance.now()
    assert.is((await get('/')).status, 503)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  }
  assert.ok(slowestMs < AT_ONCE_MS, `the slowest 503 took ${slowestMs} ms`)
  state.isWell = true
  await until(() => healths().every((one) => one === 'healthy'), 'all are healthy', 10_000)
  const load = startLoad(port, '/', 4, (answer) => (answer.status === 200 ? null : 'failed'))
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal((await load.stop()).failures, [])
})

test('without checks a dead server costs no more than a refused connection', async () => {
  const { get } = await startProxy(cleanup, {
    pools: [{ servers: [{ url: 'http://127.0.0.1:1' }, { url: 'http://127.0.0.1:2' }] }],
  })
  for (let i = 0; i < 10; i++) {
    const startedAt = performance.now()
    assert.is((await get('/')).status, 503)
    assert.ok(performance.now() - startedAt < AT_ONCE_MS)
  }
})

/** How long the slow server takes. */
const SLOW_MS = 2_000

test('a slow server fills only its own limit, and other routes are not slowed down', async () => {
  const slow = await startUpstream(cleanup, (_, outgoing) => {
    setTimeout(() => outgoing.end('slow'), SLOW_MS).unref()
  })
  const fast = await startUpstream(cleanup, (_, outgoing) => outgoing.end('fast'))
  const { get } = await startGateway(
    cleanup,
    `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { pathPrefix: /slow, backend: slow }
      - { pathPrefix: /fast, backend: fast }
---
kind: Pipeline
name: slow
filters:
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${slow.url}" }], maxRequests: 10 }] }
---
kind: Pipeline
name: fast
filters:
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${fast.url}" }] }] }
`,
    {},
    { watch: false },
  )
  const slowRoute = async (waves: number): Promise<void> => {
    for (let wave = 1; wave <= waves; wave++) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => get('/slow')))
      const served = answers.filter(({ status }) => status === 200).length
      const refused = answers.filter(({ status }) => status === 503).length
      // Ten at a time: what is past the limit is answered at once and never reaches the server.
      assert.equal([served, refused, slow.requests.length], [10, 20, 10 * wave])
    }
  }
  let isSlow = true
  const waves = slowRoute(2).finally(() => {
    isSlow = false
  })
  const times: number[] = []
  while (isSlow) {
    const startedAt = performance.now()
    assert.is((await get('/fast')).body, 'fast')
    times.push(performance.now() - startedAt)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await waves
  times.sort((one, other) => one - other)
  const median = times[times.length >> 1] ?? 0
  assert.ok(times.length > 30, `${times.length} requests beside the slow route`)
  assert.ok(
    median < SLOW_MS / 4,
    `the median beside a server that takes ${SLOW_MS} ms is ${median} ms`,
  )
})
