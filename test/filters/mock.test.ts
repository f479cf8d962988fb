import { Cleanup } from '../support/gateway.ts'
import { pipelineYaml, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/mock')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const mock = (rules: string): string => `- { name: mock, kind: Mock, rules: [${rules}] }
- { name: next, kind: Mock, rules: [{ code: 299, body: next }] }`

test('the first rule that matches answers, by path, by prefix or by both', async () => {
  const { get } = await startPipeline(
    cleanup,
    mock(
      '{ match: { path: /a }, body: a }, { match: { pathPrefix: /a }, body: below }, { match: { path: /b, pathPrefix: /c }, body: either }',
    ),
  )
  const bodies = await Promise.all(['/a', '/a/b', '/b', '/c/d', '/d'].map((path) => get(path)))
  assert.equal(
    bodies.map(({ body }) => body),
    ['a', 'below', 'either', 'either', 'next'],
  )
})

test('one of the headers is enough, unless all must match', async () => {
  const headers = 'headers: { X-A: { exact: "1" }, X-B: { prefix: v, regex: "^w\\\\d$" } }'
  const { get } = await startPipeline(
    cleanup,
    mock(
      `{ match: { pathPrefix: /all, matchAllHeaders: true, ${headers} }, body: all }, { match: { pathPrefix: /one, ${headers} }, body: one }, { match: { headers: { X-None: { empty: true } }, path: /none }, body: none }`,
    ),
  )
  const ask = async (path: string, init: Record<string, string>) =>
    (await get(path, { headers: init })).body
  assert.is(await ask('/one', { 'x-a': '1' }), 'one')
  assert.is(await ask('/one', { 'x-b': 'w7' }), 'one')
  assert.is(await ask('/one', { 'x-a': '2' }), 'next')
  assert.is(await ask('/all', { 'x-a': '1', 'x-b': 'value' }), 'all')
  assert.is(await ask('/all', { 'x-a': '1' }), 'next')
  assert.is(await ask('/none', {}), 'none')
  assert.is(await ask('/none', { 'x-none': 'x' }), 'next')
})

test('answers with status, headers and body, late where it is told to, and the result can jump', async () => {
  const { get, lines } = await startPipeline(
    cleanup,
    mock('{ code: 418, headers: { X-Is: pot }, body: "tea ☕", delay: 20ms }'),
    '- { filter: mock, jumpIf: { mocked: END } }\n- filter: next',
  )
  const startedAt = performance.now()
  const answer = await get('/')
  assert.ok(performance.now() - startedAt >= 15)
  assert.equal([answer.status, answer.headers['x-is'], answer.body], [418, 'pot', 'tea ☕'])
  assert.match(lines.join('\n'), 'mock(mocked,')
})

test('a reload replaces the rules', async () => {
  const { get, write, gateway } = await startPipeline(cleanup, mock('{ body: former }'))
  assert.is((await get('/')).body, 'former')
  await write('gateway.yaml', pipelineYaml(mock('{ body: new }')))
  assert.equal(await gateway.reload(), [])
  assert.is((await get('/')).body, 'new')
})

test('a status that is none and a header that belongs to the host are refused', async () => {
  const messages = await refusal(
    cleanup,
    mock('{ code: 100 }, { headers: { Content-Length: "1" } }, { delay: 5 }'),
  )
  assert.equal(messages, [
    '`code` takes at least 200, not the number 100',
    'the header Content-Length is written by the host itself',
    'a duration is text: a number and a unit, such as "100ms" or "10s"',
  ])
})
