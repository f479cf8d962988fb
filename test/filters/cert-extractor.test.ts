import type { ClientCertificate } from '../../host/exchange/client-tls.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { promised } from '../../host/exchange/late.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { certExtractor } from '../../host/filters/cert-extractor.ts'
import type { FilterEnv } from '../../host/filters/env.ts'
import { Cleanup } from '../support/gateway.ts'
import { refusal } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/cert-extractor')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

function certificate(name: string, units: readonly string[] = []): ClientCertificate {
  const none: readonly string[] = []
  const subject = {
    Country: none,
    Organization: none,
    OrganizationalUnit: units,
    Locality: none,
    Province: none,
    StreetAddress: none,
    PostalCode: none,
    SerialNumber: none,
    CommonName: [name],
  }
  return { subject, issuer: { ...subject, CommonName: [`issuer of ${name}`] } }
}

/** What the filter makes of a request with this chain; the client claims to be the boss. */
async function headersAfter(
  fields: Record<string, unknown>,
  chain: readonly ClientCertificate[] | null,
): Promise<readonly string[]> {
  const spec = certExtractor.spec.parse({
    certIndex: 0,
    target: 'subject',
    field: 'CommonName',
    ...fields,
  })
  const filter = await certExtractor.create(spec, {} as FilterEnv)
  const request = makeRequest({ headers: ['tls-subject-CommonName', 'boss', 'X-Name', 'boss'] })
  request.tls = chain === null ? null : { certificates: chain }
  assert.is(await promised(filter.handle(new Exchange(request, 'server', 0))), undefined)
  return request.headers.list
}

const CHAIN = [certificate('alice', ['North', 'Süd']), certificate('authority')]

test('puts a name of the client’s certificate into a header of its own', async () => {
  assert.equal(await headersAfter({}, CHAIN), ['X-Name', 'boss', 'tls-subject-CommonName', 'alice'])
})

test('puts it into the header that is named, in the place of what the client sends', async () => {
  assert.equal(await headersAfter({ headerKey: 'X-Name', target: 'issuer' }, CHAIN), [
    'tls-subject-CommonName',
    'boss',
    'X-Name',
    'issuer of alice',
  ])
})

test('a field that occurs several times becomes several headers, in UTF-8', async () => {
  const list = await headersAfter({ field: 'OrganizationalUnit', headerKey: 'X-Name' }, CHAIN)
  assert.equal(list.slice(2), ['X-Name', 'North', 'X-Name', 'S\u00c3\u00bcd'])
})

test('an index goes round, and from the end when it is negative', async () => {
  const nameAt = async (certIndex: number): Promise<string | undefined> =>
    (await headersAfter({ certIndex, headerKey: 'X-Name' }, CHAIN)).at(-1)
  assert.is(await nameAt(1), 'authority')
  assert.is(await nameAt(-1), 'authority')
  assert.is(await nameAt(-2), 'alice')
  assert.is(await nameAt(4), 'alice')
})

test('without a certificate the header is not there, whatever the client sends', async () => {
  assert.equal(await headersAfter({}, null), ['X-Name', 'boss'])
  assert.equal(await headersAfter({}, []), ['X-Name', 'boss'])
})

test('a name that no header can carry is left out', async () => {
  assert.equal(await headersAfter({}, [certificate('a\r\nb: c')]), ['X-Name', 'boss'])
})

test('reports an unknown field', async () => {
  const messages = await refusal(
    cleanup,
    '- { name: cert, kind: CertExtractor, certIndex: 0, target: subject, field: Email }',
  )
  assert.match(messages[0] ?? '', '`field` takes one of "Country"')
})
