import { Cleanup, startUpstream, type TestUpstream } from '../support/gateway.ts'
import { pipelineYaml, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-forward')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const proxy = (urls: readonly string[], rest = ''): string => `- name: proxy
  kind: Proxy
  pools:
    - servers: [${urls.map((url) => `{ url: "${url}" }`).join(', ')}]
      loadBalance: { policy: forward, forwardKey: X-Shard }
      ${rest}`

const to = (upstream: TestUpstream): { headers: Record<string, string> } => ({
  headers: { 'x-shard': `127.0.0.1:${upstream.port}` },
})

test('a header names the server, also one that has come by a change, and nothing but servers of the pool', async () => {
  const [a, b, other] = [
    await startUpstream(cleanup),
    await startUpstream(cleanup),
    await startUpstream(cleanup),
  ]
  const { get, write, gateway } = await startPipeline(cleanup, proxy([a.url, b.url]))
  for (const server of [a, b, b, a]) assert.is((await get('/', to(server))).status, 200)
  assert.equal([a.requests.length, b.requests.length], [2, 2])
  assert.is((await get('/', to(other))).status, 503)
  assert.is((await get('/')).status, 503)
  assert.is(other.requests.length, 0)
  await write('gateway.yaml', pipelineYaml(proxy([a.url, other.url])))
  assert.equal(await gateway.reload(), [])
  assert.is((await get('/', to(other))).status, 200)
  assert.is((await get('/', to(b))).status, 503)
})

test('a retry goes to the server that was named, and to no other', async () => {
  const bad = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = 503
    outgoing.end()
  })
  const good = await startUpstream(cleanup)
  const yaml = `${pipelineYaml(proxy([bad.url, good.url], 'retryPolicy: again'))}resilience: [{ name: again, kind: Retry, maxAttempts: 3, waitDuration: 1ms }]\n`
  const { get, write, gateway } = await startPipeline(cleanup, proxy([good.url]))
  await write('gateway.yaml', yaml)
  assert.equal(await gateway.reload(), [])
  assert.is((await get('/', to(bad))).status, 503)
  assert.is(bad.requests.length, 3)
  assert.is(good.requests.length, 0)
})

test('the policy needs the name of its header', async () => {
  const filters = proxy(['http://a:1']).replace(', forwardKey: X-Shard', '')
  assert.equal(await refusal(cleanup, filters), ['the policy forward needs `forwardKey`'])
})
