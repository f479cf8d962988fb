import { Cleanup, startGateway } from '../support/gateway.ts'
import { pipelineYaml, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/data-builder')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('what it builds is data for the templates after it, beside that of the pipeline', async () => {
  const yaml = pipelineYaml(`
- name: build
  kind: DataBuilder
  dataKey: user
  template: |
    id: {{.req.Header.Get "X-Id"}}
    tags: [a, "{{.data.PIPELINE.tag}}"]
    ratio: 0.5
- name: show
  kind: ResponseBuilder
  template: |
    body: '{{toRawJson .data}}'`)
  const { get } = await startGateway(cleanup, `${yaml}data: { tag: from-pipeline, limit: 5 }\n`)
  const answer = await get('/', { headers: { 'x-id': '7' } })
  assert.equal(JSON.parse(answer.body), {
    PIPELINE: { limit: 5, tag: 'from-pipeline' },
    user: { id: 7, ratio: 0.5, tags: ['a', 'from-pipeline'] },
  })
})

test('data of one request is not that of the next', async () => {
  const { get } = await startPipeline(
    cleanup,
    `
- name: build
  kind: DataBuilder
  dataKey: seen
  template: '{{if .req.Header.Get "X-Set"}}yes{{end}}'
- name: show
  kind: ResponseBuilder
  template: 'body: "{{.data.seen}}"'`,
  )
  assert.is((await get('/', { headers: { 'x-set': '1' } })).body, 'yes')
  assert.is((await get('/')).body, '<no value>')
})

test('what is no YAML is buildErr', async () => {
  const { get } = await startPipeline(
    cleanup,
    `
- { name: build, kind: DataBuilder, dataKey: a, template: "a: [" }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    '- { filter: build, jumpIf: { buildErr: mock } }\n- { filter: END }\n- filter: mock',
  )
  assert.is((await get('/')).status, 299)
})

test('key and template must be there', async () => {
  assert.equal(await refusal(cleanup, '- { name: b, kind: DataBuilder, dataKey: a }'), [
    'a DataBuilder needs `template`',
  ])
  assert.equal(await refusal(cleanup, '- { name: b, kind: DataBuilder, template: a }'), [
    '`dataKey` is missing',
  ])
})
