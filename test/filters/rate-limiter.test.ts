import { Cleanup } from '../support/gateway.ts'
import { pipelineYaml, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/rate-limiter')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const filters = (policy: string, rest = ''): string => `
- name: limit
  kind: RateLimiter
  policies:
    - { name: strict, ${policy} }
    - { name: loose, limitForPeriod: 1000, limitRefreshPeriod: 1h }
  defaultPolicyRef: loose
  urls:
    - { methods: [POST], url: { prefix: /limited }, policyRef: strict }
    - { url: { exact: /also }, policyRef: strict }
    - { url: { prefix: / } }
${rest}
- { name: mock, kind: Mock, rules: [{ body: served }] }`

const STRICT = 'limitForPeriod: 2, limitRefreshPeriod: 1h, timeoutDuration: 0s'

test('admits so many of a period and refuses the rest, for each rule by itself', async () => {
  const { get } = await startPipeline(cleanup, filters(STRICT))
  const post = (path: string) => get(path, { method: 'POST' })
  assert.is((await post('/limited/a')).status, 200)
  assert.is((await post('/limited/b')).status, 200)
  const refused = await post('/limited/a')
  assert.is(refused.status, 429)
  assert.is(refused.headers['x-eg-rate-limiter'], 'too-many-requests')
  assert.is((await get('/limited/a')).status, 200)
  assert.is((await get('/also')).status, 200)
  assert.is((await get('/also')).status, 200)
  assert.is((await get('/also')).status, 429)
})

test('a request waits for the next period when that is near', async () => {
  const { get } = await startPipeline(
    cleanup,
    filters('limitForPeriod: 1, limitRefreshPeriod: 300ms, timeoutDuration: 10s'),
  )
  const startedAt = performance.now()
  const answers = await Promise.all([get('/also'), get('/also'), get('/also')])
  assert.equal(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  // Of three, the last is due when the second period after its own begins.
  assert.ok(performance.now() - startedAt >= 300)
})

test('the result can jump', async () => {
  const { get } = await startPipeline(
    cleanup,
    filters(STRICT.replace('2', '1'), '- { name: busy, kind: Mock, rules: [{ code: 299 }] }'),
    '- { filter: limit, jumpIf: { rateLimited: busy } }\n- filter: mock\n- filter: END\n- filter: busy',
  )
  await get('/also')
  assert.is((await get('/also')).status, 299)
})

test('counting goes on over a change that leaves the rule as it is, and begins anew otherwise', async () => {
  const { get, write, gateway } = await startPipeline(cleanup, filters(STRICT))
  await get('/also')
  await get('/also')
  const other = '- { name: extra, kind: RequestAdaptor, header: { set: { a: b } } }'
  await write('gateway.yaml', pipelineYaml(filters(STRICT, other)))
  await gateway.reload()
  assert.is((await get('/also')).status, 429)
  await write('gateway.yaml', pipelineYaml(filters(STRICT.replace('2', '3'))))
  await gateway.reload()
  assert.is((await get('/also')).status, 200)
})

test('a limit or a period of 0 is refused, and a rule must name a policy that is there', async () => {
  const messages = await refusal(
    cleanup,
    `
- name: limit
  kind: RateLimiter
  policies: [{ name: a, limitRefreshPeriod: 0s }]
  urls: [{ url: { prefix: / }, policyRef: b }, { url: { prefix: / } }]`,
  )
  assert.ok(messages.includes('`limitRefreshPeriod` must be longer than 0'), messages.join('\n'))
  const none = await refusal(
    cleanup,
    filters('limitForPeriod: 0').replace('limitForPeriod: 1000', 'limitForPeriod: -1'),
  )
  assert.equal(none, [
    '`limitForPeriod` takes at least 1, not the number 0',
    '`limitForPeriod` takes at least 1, not the number -1',
  ])
  const names = await refusal(
    cleanup,
    `
- name: limit
  kind: RateLimiter
  policies: [{ name: a }]
  urls: [{ url: { prefix: / }, policyRef: b }, { url: { prefix: / } }]`,
  )
  assert.equal(names, [
    'there is no policy "b" in this filter: there is a',
    'the rule names no policy, and there is no `defaultPolicyRef`',
  ])
})

test('methods may be written in small letters, and one that is none is told', async () => {
  const small = filters(STRICT).replace('methods: [POST]', 'methods: [post]')
  const { get } = await startPipeline(cleanup, small)
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) statuses.push((await get('/limited', { method: 'POST' })).status)
  assert.equal(statuses, [200, 200, 429])
  const wrong = filters(STRICT).replace('methods: [POST]', 'methods: [PSOT]')
  assert.match((await refusal(cleanup, wrong)).join('\n'), /^`methods\[0\]` takes one of .*"POST"/)
})
