import { Cleanup } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/cert-extractor')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

test('says that it cannot run yet instead of passing requests without a certificate', async () => {
  const { gateway } = await startPipeline(
    cleanup,
    '- { name: cert, kind: CertExtractor, certIndex: 0, target: subject, field: CommonName }',
  )
  const status = gateway.control.status().find(({ name }) => name === 'main')
  assert.match(String(status?.error), 'cert cannot run yet: CertExtractor needs a server with TLS')
})

test('reports an unknown field', async () => {
  const messages = await refusal(
    cleanup,
    '- { name: cert, kind: CertExtractor, certIndex: 0, target: subject, field: Email }',
  )
  assert.match(messages[0] ?? '', '`field` takes one of "Country"')
})
