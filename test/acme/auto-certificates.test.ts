import { AutoCertificates, CHALLENGE_PATH } from '../../host/acme/auto-certificates.ts'
import { certificateMetrics } from '../../host/acme/certificate-metrics.ts'
import { pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('acme/auto-certificates')

const ONE = { name: 'one', ...pair('exact') }
const TWO = { name: 'two', ...pair('wildcard') }

test('an exact name goes before a wildcard, which stands for one label', () => {
  const certificates = new AutoCertificates()
  assert.is(certificates.pairFor('a.example.com'), null)
  certificates.use(
    new Map([
      ['a.example.com', ONE],
      ['*.example.com', TWO],
    ]),
  )
  assert.is(certificates.pairFor('a.example.com'), ONE)
  assert.is(certificates.pairFor('b.example.com'), TWO)
  assert.is(certificates.pairFor('c.b.example.com'), null)
  assert.is(certificates.pairFor('example.com'), null)
  assert.is(certificates.pairFor(''), null)
})

test('a metric says when each certificate ends', () => {
  const certificates = new AutoCertificates()
  const family = certificateMetrics(certificates)
  assert.equal(family.collect(), [])
  certificates.use(new Map([['a.example.com', ONE]]))
  const value = Date.parse('2126-10-29T19:32:35Z') / 1_000
  assert.equal(family.collect(), [{ labels: { domain: 'a.example.com' }, value }])
})

test('who was replaced takes nothing away', () => {
  const certificates = new AutoCertificates()
  const [former, next] = [new Map([['a.test', ONE]]), new Map([['a.test', TWO]])]
  certificates.use(former)
  certificates.use(next)
  certificates.drop(former)
  assert.is(certificates.pairFor('a.test'), TWO)
  certificates.drop(next)
  assert.is(certificates.pairFor('a.test'), null)
})

test('an answer is there until it is taken away, and for its path only', () => {
  const certificates = new AutoCertificates()
  assert.is(certificates.hasTokens, false)
  const takeAway = certificates.answerHttp('abc', 'abc.thumb')
  assert.is(certificates.hasTokens, true)
  assert.is(certificates.answerTo(`${CHALLENGE_PATH}abc`), 'abc.thumb')
  for (const path of [
    'abc',
    '/abc',
    `${CHALLENGE_PATH}abcd`,
    `${CHALLENGE_PATH}abc/`,
    CHALLENGE_PATH,
  ]) {
    assert.is(certificates.answerTo(path), null, path)
  }
  takeAway()
  assert.is(certificates.hasTokens, false)
})

test('the answer to a handshake that came later stays', () => {
  const certificates = new AutoCertificates()
  const first = certificates.answerHandshake('a.test', ONE)
  const second = certificates.answerHandshake('a.test', TWO)
  first()
  assert.is(certificates.challengeFor('a.test'), TWO)
  assert.is(certificates.challengeFor('b.test'), null)
  second()
  assert.is(certificates.hasChallenges, false)
})

test('what the servers here can answer comes first', () => {
  const all = ['http-01', 'tls-alpn-01'] as const
  const certificates = new AutoCertificates()
  assert.equal(certificates.answerable(all), [])
  const secure = { isPlain: false, isAutomatic: true }
  certificates.addServer(secure)
  assert.equal(certificates.answerable(all), ['tls-alpn-01', 'http-01'])
  certificates.addServer({ isPlain: true, isAutomatic: false })
  assert.equal(certificates.answerable(all), ['http-01', 'tls-alpn-01'])
  assert.equal(certificates.answerable(['tls-alpn-01']), ['tls-alpn-01'])
  certificates.removeServer(secure)
  assert.equal(certificates.answerable(all), ['http-01'])
})
