import { Cleanup, startGateway, startUpstream, type TestGateway } from '../support/gateway.ts'
import { accessLines } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/global-filter')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

async function start(globalFilter: string, main = ''): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return startGateway(
    cleanup,
    `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
globalFilter: everywhere
rules: [{ paths: [{ backend: main }] }]
---
kind: GlobalFilter
name: everywhere
${globalFilter}
---
kind: Pipeline
name: main
data: { of: main }
${main === '' ? `filters: [{ name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }]` : main}
`,
    {},
    { watch: false },
  )
}

const AFTER = `
afterPipeline:
  filters: [{ name: mark, kind: ResponseAdaptor, header: { add: { X-After: "yes" } } }]`

test('runs before and after the pipeline of the route, which sees what it did', async () => {
  const gateway = await start(`
beforePipeline:
  filters:
    - { name: set, kind: RequestAdaptor, header: { set: { X-Before: "yes" } } }
    - { name: data, kind: RequestAdaptor, template: "header: { set: { X-Data: '{{.data.PIPELINE.of}}' } }" }
${AFTER}`)
  const answer = await gateway.get('/')
  const { headers } = JSON.parse(answer.body)
  assert.is(headers['x-before'], 'yes')
  assert.is(headers['x-data'], 'main')
  assert.is(answer.headers['x-after'], 'yes')
  const [line] = accessLines(gateway)
  assert.is(line?.['pipeline'], 'main')
  const tags = String(line?.['tags']).replace(/[\d.]+(?:µs|ms|s)\b/g, 'T')
  assert.is(
    tags,
    'pipeline(everywhere/before): set(T)->data(T) | pipeline(main): proxy(T) | pipeline(everywhere/after): mark(T)',
  )
})

const STOP = `
beforePipeline:
  flow: [{ filter: mock, jumpIf: { mocked: END } }]
  filters: [{ name: mock, kind: Mock, rules: [{ code: 418, body: stopped }] }]`

test('END before stops the pipeline and what comes after, unless it falls through', async () => {
  const stopped = await (await start(STOP + AFTER)).get('/')
  assert.is(stopped.status, 418)
  assert.is(stopped.headers['x-after'], undefined)

  const throughBefore = 'fallthrough: { beforePipeline: true }'
  const both = await (await start(`${STOP}${AFTER}\n${throughBefore}`)).get('/')
  assert.is(both.status, 200)
  assert.is(both.headers['x-after'], 'yes')

  const throughMain = 'fallthrough: { pipeline: true }'
  const after = await (await start(`${STOP}${AFTER}\n${throughMain}`)).get('/')
  assert.is(after.status, 418)
  assert.is(after.headers['x-after'], 'yes')
})

test('END in the pipeline stops what comes after, unless it falls through', async () => {
  const main = 'filters: [{ name: mock, kind: Mock, rules: [{ code: 417 }] }]'
  assert.is((await (await start(AFTER, main)).get('/')).headers['x-after'], undefined)
  const through = `${AFTER}\nfallthrough: { pipeline: true }`
  assert.is((await (await start(through, main)).get('/')).headers['x-after'], 'yes')
})

test('nobody passes when the filter is gone, and one that cannot start leaves the others running', async () => {
  const { get, write, gateway, dir } = await start(AFTER)
  assert.is((await get('/')).status, 200)
  const { readFile } = await import('node:fs/promises')
  const yaml = await readFile(`${dir}/gateway.yaml`, 'utf8')
  await write('gateway.yaml', yaml.replace('X-After: "yes"', 'X-After: "changed"'))
  await gateway.reload()
  assert.is((await get('/')).headers['x-after'], 'changed')
  const broken = await start(
    'beforePipeline:\n  filters: [{ name: v, kind: Validator, basicAuth: { userFile: none } }]',
  )
  assert.is((await broken.get('/')).status, 503)
})

test('problems of its pipelines have their place', async () => {
  const messages = await start(
    'beforePipeline:\n  flow: [{ filter: b }]\n  filters: [{ name: a, kind: Mok }]',
  ).then(
    () => '',
    (error: Error) => error.message,
  )
  assert.match(messages, /11:20: error: there is no filter "b" in this pipeline/)
  assert.match(messages, /12:30: error: there is no filter kind "Mok" \(did you mean "Mock"\?\)/)
})
