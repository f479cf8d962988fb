import { ConfigError } from '../../host/config/issues.ts'
import { otlpUrl } from '../../host/objects/tracing-spec.ts'
import { Cleanup, startGateway } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/tracing-spec')

/** What is wrong with a server that traces so; the first line of each problem, without its file. */
async function problemsOf(tracing: unknown): Promise<string[]> {
  const cleanup = new Cleanup()
  const server = { kind: 'HTTPServer', name: 'server', port: 0, tracing }
  try {
    await startGateway(cleanup, JSON.stringify(server))
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.issues.map(({ path, message }) => `${path}: ${message}`)
  } finally {
    await cleanup.run()
  }
}

const zipkin = { endpoint: 'http://127.0.0.1:9411/api/v2/spans' }
const old = { serverURL: 'http://127.0.0.1:9411/api/v2/spans', sampleRate: 1 }

test('says what is missing and what excludes each other', async () => {
  assert.equal(await problemsOf({}), ['tracing.serviceName: `serviceName` is missing'])
  assert.equal(await problemsOf({ serviceName: 's' }), ['tracing.exporter: `exporter` is missing'])
  assert.equal(await problemsOf({ serviceName: 's', exporter: {} }), [
    'tracing.exporter: `exporter` needs one of otlp, zipkin',
  ])
  assert.equal(await problemsOf({ serviceName: 's', exporter: { zipkin }, zipkin: old }), [
    'tracing.zipkin: `exporter` and `zipkin` exclude each other: use `exporter`',
  ])
  const both = { serviceName: 's', exporter: { zipkin }, attributes: {}, tags: {} }
  assert.equal(await problemsOf(both), [
    'tracing.tags: `attributes` and `tags` exclude each other: use `attributes`',
  ])
})

test('names the exporters there are when one is asked for that there is not', async () => {
  const jaeger = { mode: 'agent', endpoint: 'localhost:6831' }
  const [problem = '', ...more] = await problemsOf({ serviceName: 's', exporter: { jaeger } })
  assert.match(problem, 'tracing.exporter.jaeger: `jaeger` is not supported')
  assert.match(problem, 'Jaeger takes OTLP itself')
  assert.match(problem, 'there is otlp and zipkin')
  assert.equal(more, [])
  const grpc = { protocol: 'grpc', endpoint: 'localhost:4317' }
  const [refusal = ''] = await problemsOf({ serviceName: 's', exporter: { otlp: grpc } })
  assert.match(refusal, 'tracing.exporter.otlp.protocol: ')
  assert.match(refusal, 'OTLP over HTTP on port 4318, gRPC is not supported')
})

test('takes addresses that can be reached, and rates between 0 and 1', async () => {
  const traced = { serviceName: 's', exporter: { zipkin: { endpoint: 'localhost:9411' } } }
  assert.equal(await problemsOf(traced), [
    'tracing.exporter.zipkin.endpoint: `endpoint` takes a URL with http or https, not "localhost:9411"',
  ])
  assert.equal(await problemsOf({ serviceName: 's', exporter: { zipkin }, sampleRate: 2 }), [
    'tracing.sampleRate: `sampleRate` takes at most 1, not the number 2',
  ])
})

test('an OTLP endpoint is a host with a port, or a URL', () => {
  assert.is(otlpUrl('collector:4318', true), 'http://collector:4318/v1/traces')
  assert.is(otlpUrl('collector:4318', false), 'https://collector:4318/v1/traces')
  assert.is(otlpUrl('http://collector:4318', false), 'http://collector:4318/v1/traces')
  assert.is(otlpUrl('https://collector/otlp/v1/traces', true), 'https://collector/otlp/v1/traces')
  for (const wrong of ['', ':4318', 'ftp://collector', 'https://user:secret@collector', 'a b']) {
    assert.is(otlpUrl(wrong, true), null, wrong)
  }
})
