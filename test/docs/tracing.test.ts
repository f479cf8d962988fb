import { readFileSync } from 'node:fs'
import { tracingSpec } from '../../host/objects/tracing-spec.ts'
import { LAST_BATCHES_MS } from '../../host/observe/tracing/span-batcher.ts'
import { startCollector } from '../support/collector.ts'
import { Cleanup, fetchFrom, startGateway, startUpstream, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { codeBlocks } from './code-blocks.ts'

const test = suite('docs/tracing')

const address = new URL('../../docs/tracing.md', import.meta.url)
const page = readFileSync(address, 'utf8')
const blocks = codeBlocks(address)

function block(wanted: string): string {
  return blocks.find(({ language }) => language === wanted)?.text ?? ''
}

test('the configuration of the page makes the spans it draws', async () => {
  const cleanup = new Cleanup()
  try {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const yaml = block('yaml')
      .replace('port: 10080', 'port: 0')
      .replace('127.0.0.1:4318', `127.0.0.1:${collector.port}`)
      .replace('http://127.0.0.1:9095', upstream.url)
      .replace('sampleRate: 1', 'sampleRate: 1\n  batchLimits: { batchTimeout: 10 }')
    const { gateway } = await startGateway(cleanup, yaml)
    await fetchFrom(gateway.portOf('shop-server') ?? 0, '/')
    await until(() => collector.spans.some(({ kind }) => kind === 2), 'the spans', 15_000)
    const { spans } = collector
    const draw = (parent: string | undefined, indent: string): string =>
      spans
        .filter(({ parentSpanId }) => parentSpanId === parent)
        .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
        .map(({ name, spanId }) => `${indent}${name}\n${draw(spanId, `${indent}  `)}`)
        .join('')
    assert.is(draw(undefined, ''), block('text'))
  } finally {
    await cleanup.run()
  }
})

test('the limits of the page are those of the configuration', () => {
  const exporter = { zipkin: { endpoint: 'http://a/' } }
  const { batchLimits } = tracingSpec.parse({ serviceName: 'a', exporter })
  const rows = page.matchAll(/^\| [^|]+ \| `(\w+)` \| `(\d+)` \|/gm)
  const written = Array.from(rows, ([, field = '', value = '']) => [field, Number(value)])
  assert.equal(Object.fromEntries(written), { ...batchLimits })
  assert.ok(page.includes(`what is left gets ${LAST_BATCHES_MS} ms`))
})
