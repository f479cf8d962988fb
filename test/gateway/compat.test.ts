import { ConfigError } from '../../host/config/issues.ts'
import type { GatewayOptions } from '../../host/gateway.ts'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { pipelineYaml, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/compat')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const EASEGRESS: Partial<GatewayOptions> = { compat: 'easegress' }

test('an upstream that is late is 504, and 408 for a configuration that moves here', async () => {
  const slow = await startUpstream(cleanup, () => undefined)
  const filters = `- name: proxy
  kind: Proxy
  pools: [{ servers: [{ url: "${slow.url}" }], timeout: 300ms }]`
  const ours = await startPipeline(cleanup, filters)
  assert.is((await ours.get('/')).status, 504)
  const theirs = await startPipeline(cleanup, filters, '', {}, EASEGRESS)
  assert.is((await theirs.get('/')).status, 408)
})

test('the last of several attempts that are late is 408 too, and so is a pool of a route', async () => {
  const slow = await startUpstream(cleanup, () => undefined)
  const yaml = `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { path: /pool, backendPool: { servers: [{ url: "${slow.url}" }], timeout: 300ms } }
      - { backend: main }
---
kind: Pipeline
name: main
resilience: [{ name: again, kind: Retry, maxAttempts: 2, waitDuration: 1ms }]
filters:
  - name: proxy
    kind: Proxy
    pools: [{ servers: [{ url: "${slow.url}" }], timeout: 300ms, retryPolicy: again }]
`
  const { get } = await startGateway(cleanup, yaml, {}, { watch: false, ...EASEGRESS })
  assert.is((await get('/')).status, 408)
  assert.is(slow.requests.length, 2)
  assert.is((await get('/pool')).status, 408)
})

test('fields nobody knows are left out of objects, filters and policies, also after a reload', async () => {
  const yaml = `${pipelineYaml(
    '- { name: mock, kind: Mock, rules: [{ body: first, tint: red }], colour: blue }',
  )}resilience: [{ name: again, kind: Retry, maxAttemps: 2 }]
maxConnection: 3
`
  try {
    await startGateway(cleanup, yaml, {}, { watch: false })
    assert.unreachable()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const messages = error.issues.map(({ message }) => message)
    for (const field of ['colour', 'tint', 'maxAttemps', 'maxConnection']) {
      assert.ok(messages.includes(`unknown field \`${field}\``), messages.join('\n'))
    }
  }
  const started = await startGateway(cleanup, yaml, {}, { watch: false, ...EASEGRESS })
  assert.is((await started.get('/')).body, 'first')
  await started.write('gateway.yaml', yaml.replace('first', 'second'))
  assert.equal(await started.gateway.reload(), [])
  await until(async () => (await started.get('/')).body === 'second', 'the change is live')
})
