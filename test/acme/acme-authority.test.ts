import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AcmeAuthority } from '../../host/acme/acme-authority.ts'
import { MAX_ANSWER_BYTES } from '../../host/acme/acme-http.ts'
import type { ChallengeKind, OrderOutcome } from '../../host/acme/authority.ts'
import { AutoCertificates, CHALLENGE_PATH } from '../../host/acme/auto-certificates.ts'
import { CertificateStore } from '../../host/acme/certificate-store.ts'
import { type AcmeServer, startAcmeServer } from '../support/acme-server.ts'
import { Cleanup } from '../support/gateway.ts'
import { authority } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('acme/acme-authority')

let cleanup: Cleanup
let acme: AcmeServer
let desk: AutoCertificates
let closing: AbortController

test.before.each(async () => {
  cleanup = new Cleanup()
  acme = await startAcmeServer(cleanup)
  desk = new AutoCertificates()
  closing = new AbortController()
})

test.after.each(() => cleanup.run())

async function issue(
  kinds: readonly ChallengeKind[] = ['http-01', 'tls-alpn-01'],
  directoryURL = acme.directoryURL,
): Promise<OrderOutcome> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-acme-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const settings = { directoryURL, email: 'me@example.com', ca: authority('ca') }
  const client = new AcmeAuthority(settings, new CertificateStore(dir), desk)
  return client.issue('localhost', kinds, closing.signal)
}

async function refusalOf(
  ...args: Parameters<typeof issue>
): Promise<{ reason: string; retryAfterMs: number | null }> {
  const outcome = await issue(...args)
  if (outcome.isIssued) throw new Error('it was issued')
  assert.is(desk.hasTokens || desk.hasChallenges, false, 'no answer is left')
  return outcome
}

test('an answer is laid out while a check is under way, and a certificate that does not fit is not taken', async () => {
  let seen: string | null = null
  acme.onCheck = async (token) => {
    seen = desk.answerTo(`${CHALLENGE_PATH}${token}`)
    return true
  }
  const { reason, retryAfterMs } = await refusalOf()
  assert.match(seen ?? '', /^a-token-of-the-test\.[\w-]{43}$/)
  assert.is(
    reason,
    'what the authority sent cannot be used: the private key does not belong to the certificate',
  )
  assert.is(retryAfterMs, null)
})

test('the first kind that is offered is taken', async () => {
  let hasHandshake = false
  acme.onCheck = async () => {
    hasHandshake = desk.challengeFor('localhost') !== null && !desk.hasTokens
    return true
  }
  await refusalOf(['tls-alpn-01', 'http-01'])
  assert.is(hasHandshake, true)
  acme.offered = ['dns-01']
  assert.is(
    (await refusalOf(['tls-alpn-01'])).reason,
    'the authority offers dns-01, and here tls-alpn-01 can be answered',
  )
})

test('a check that failed is told in the words of the authority', async () => {
  acme.onCheck = async () => false
  acme.offered = ['http-01']
  assert.is((await refusalOf()).reason, 'http-01: nothing at http-01')
})

test('what is refused is not repeated, and says when to come again', async () => {
  for (const [retryAfter, atLeastMs] of [
    ['3600', 3_600_000],
    [new Date(Date.now() + 7_200_000).toUTCString(), 7_000_000],
    ['soon', null],
  ] as const) {
    for (const status of [429, 503]) {
      acme.messages.length = 0
      acme.replies.set('/new-order', {
        status,
        headers: { 'retry-after': retryAfter },
        body: { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many orders' },
      })
      const { reason, retryAfterMs } = await refusalOf()
      assert.match(reason, /too many orders/)
      if (atLeastMs === null) assert.is(retryAfterMs, null)
      else assert.ok((retryAfterMs ?? 0) >= atLeastMs && (retryAfterMs ?? 0) <= 7_200_000)
      assert.equal(
        acme.messages.filter((message) => message === 'POST /new-order'),
        ['POST /new-order'],
      )
    }
  }
})

test('redirects are not followed, and no more than a limit is read', async () => {
  acme.replies.set('/directory', { status: 302, headers: { location: acme.directoryURL } })
  await refusalOf()
  assert.equal(acme.messages, ['GET /directory'])
  acme.replies.set('/directory', { body: 'x'.repeat(MAX_ANSWER_BYTES + 1) })
  assert.match((await refusalOf()).reason, /its answer is longer than 262144 bytes/)
})

test('a directory that leads to an address without TLS is not followed', async () => {
  acme.replies.set('/directory', {
    body: { newNonce: 'http://localhost:1/nonce', newAccount: 'http://localhost:1/account' },
  })
  assert.is((await refusalOf()).reason, 'http://localhost:1/nonce is not an https address')
})

test('what is no directory at all is a refusal', async () => {
  for (const body of ['nonsense', [], null, 7]) {
    acme.replies.set('/directory', { body })
    assert.ok((await refusalOf()).reason.length > 0)
  }
})

test('an order that is given up ends at once and leaves nothing laid out', async () => {
  acme.onCheck = () => {
    closing.abort()
    // The authority never says that it has looked.
    return new Promise(() => undefined)
  }
  const startedAt = performance.now()
  await refusalOf()
  assert.ok(performance.now() - startedAt < 15_000)
})
