import { readFileSync } from 'node:fs'
import { ORDER_TIMEOUT_MS } from '../../host/acme/acme-authority.ts'
import { ANSWER_TIMEOUT_MS, MAX_ANSWER_BYTES } from '../../host/acme/acme-http.ts'
import {
  FIRST_RETRY_MS,
  MAX_RETRY_AFTER_MS,
  MAX_RETRY_MS,
  MIN_AGE_SHARE,
  OTHER_KIND_MS,
  RENEW_SPREAD_MS,
  RETRY_JITTER,
} from '../../host/acme/renewal.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { authority } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'
import { codeBlocks } from './code-blocks.ts'

const test = suite('docs/certificates')

const address = new URL('../../docs/certificates.md', import.meta.url)
const page = readFileSync(address, 'utf8')

test('the configurations of the page are valid', () => {
  const blocks = codeBlocks(address).filter(({ language }) => language === 'yaml')
  assert.is(blocks.length, 2)
  for (const { text } of blocks) {
    const { issues } = validateSources({
      sources: [{ file: 'gateway.yaml', baseDir: '/', text }],
      kinds: OBJECT_SPECS,
      filterKinds: FILTER_KINDS,
      lookups: { env: {}, readFile: () => authority('ca') },
    })
    assert.equal(issues, [])
  }
})

test('the limits of the page are those of the code', () => {
  const [minutes, hours] = [60_000, 3_600_000]
  assert.is(MIN_AGE_SHARE, 1 / 2)
  for (const row of [
    `| renewals are spread over | ${RENEW_SPREAD_MS / hours} h |`,
    `| after a failure, the other check | ${OTHER_KIND_MS / 1_000} s |`,
    `| then again after | ${FIRST_RETRY_MS / minutes} min, twice as long each time, up to ${MAX_RETRY_MS / hours} h |`,
    `| what the authority asks for (\`Retry-After\`) | up to ${MAX_RETRY_AFTER_MS / hours} h |`,
    `| each wait may be longer by | ${RETRY_JITTER * 100} % |`,
    `| an order | ${ORDER_TIMEOUT_MS / minutes} min |`,
    `| an answer of the authority | ${ANSWER_TIMEOUT_MS / 1_000} s, ${MAX_ANSWER_BYTES / 1_024} KiB |`,
  ]) {
    assert.ok(page.includes(row), row)
  }
})
