import { Cleanup, startUpstream } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/fallback')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FALLBACK = `
- name: fallback
  kind: Fallback
  mockCode: 203
  mockHeaders: { X-Fallback: "yes" }
  mockBody: instead`

test('turns a failed response into a fixed one and keeps its other headers', async () => {
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = 500
    outgoing.setHeader('x-kept', '1')
    outgoing.setHeader('content-encoding', 'br')
    outgoing.end('broken')
  })
  const { get } = await startPipeline(
    cleanup,
    `- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }${FALLBACK}`,
    '- { filter: proxy, jumpIf: { failureCode: fallback } }\n- filter: END\n- filter: fallback',
  )
  const answer = await get('/')
  assert.is(answer.status, 203)
  assert.is(answer.body, 'instead')
  assert.is(answer.headers['x-fallback'], 'yes')
  assert.is(answer.headers['x-kept'], '1')
  assert.is(answer.headers['content-encoding'], undefined)
})

test('its result is always fallback, or responseNotFound when there is nothing to turn', async () => {
  const mock = '- { name: mock, kind: Mock, rules: [{ code: 299 }] }'
  const without = await startPipeline(
    cleanup,
    `${FALLBACK}\n${mock}`,
    '- { filter: fallback, jumpIf: { responseNotFound: mock } }\n- filter: END\n- filter: mock',
  )
  assert.is((await without.get('/')).status, 299)
  const after = await startPipeline(
    cleanup,
    `- { name: first, kind: Mock, rules: [{ code: 200 }] }${FALLBACK}\n${mock}`,
    '- { filter: first, jumpIf: { mocked: fallback } }\n- { filter: fallback, jumpIf: { fallback: END } }\n- filter: mock',
  )
  assert.is((await after.get('/')).status, 203)
})

test('a status is needed and must be one', async () => {
  assert.equal(await refusal(cleanup, '- { name: f, kind: Fallback }'), ['`mockCode` is missing'])
  assert.equal(await refusal(cleanup, '- { name: f, kind: Fallback, mockCode: 99 }'), [
    '`mockCode` takes at least 200, not the number 99',
  ])
})
