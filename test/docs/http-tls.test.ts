import { readFileSync } from 'node:fs'
import { BURST_BYTES, BYTES_PER_SECOND } from '../../host/http/h2/idle-bytes.ts'
import { MAX_FAULTS } from '../../host/http/h2/server-session.ts'
import { MAX_STREAMS, RESET_BURST, RESET_RATE } from '../../host/http/h2/session-options.ts'
import { HANDSHAKE_TIMEOUT_MS } from '../../host/http/tls/acceptor.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/http-tls')

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8')
const cases = readFileSync(new URL('../http/h2/cases.test.ts', import.meta.url), 'utf8')

test('the limits of TLS and HTTP/2 are those of the code', () => {
  for (const text of [
    `time for a handshake | ${HANDSHAKE_TIMEOUT_MS / 1000} s`,
    `requests at once on a connection | ${MAX_STREAMS} `,
    `resets | ${RESET_BURST}, then ${RESET_RATE} a second`,
    `requests refused for a mistake | ${MAX_FAULTS} a connection`,
    `${BURST_BYTES / 1024} KiB, then ${BYTES_PER_SECOND / 1024} KiB a second`,
  ]) {
    assert.ok(page.includes(text), text)
  }
})

test('each case in which Node decides by itself is a test', () => {
  const part = page.slice(page.indexOf('Where Node decides by itself'), page.indexOf('## Overload'))
  const ids = part.match(/\bT\d\d\b/g) ?? []
  assert.ok(ids.length > 4)
  for (const id of ids) assert.ok(cases.includes(`'${id}: `), id)
})
