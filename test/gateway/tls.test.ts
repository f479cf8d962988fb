import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connectSecure, GET } from '../http/tls/listener.ts'
import { WireClient } from '../http/wire.ts'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { authority, base64, pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'
import { get, inFiles, inline, problemsIn, shownFor, yamlOf } from '../support/tls-gateway.ts'

const test = suite('gateway/tls')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

const problemsOf = (server: object, filters?: readonly object[]): Promise<string[]> =>
  problemsIn(cleanup, server, filters)

test('a server with https serves its pipelines over TLS, in Easegress’s words', async () => {
  const a = pair('exact')
  const b = pair('wildcard')
  const { port } = await startGateway(
    cleanup,
    yamlOf({
      https: true,
      ...inline('localhost'),
      certs: { a: a.cert, b: base64(b.cert) },
      keys: { a: base64(a.key), b: b.key },
    }),
  )
  assert.is(await get(port), 'mocked')
  assert.is(await shownFor(port, 'a.example.com'), 'a.example.com')
  assert.is(await shownFor(port, 'b.example.com'), '*.example.com')
  assert.is(await shownFor(port, 'elsewhere'), 'localhost')
})

test('an upstream is told that the client spoke https', async () => {
  const upstream = await startUpstream(cleanup)
  const proxy = { name: 'proxy', kind: 'Proxy', pools: [{ servers: [{ url: upstream.url }] }] }
  const { port } = await startGateway(
    cleanup,
    yamlOf({ https: true, ...inline('localhost') }, [proxy]),
  )
  const { headers } = JSON.parse(await get(port)) as { headers: Record<string, string> }
  assert.is(headers['x-forwarded-proto'], 'https')
})

test('certificate files that change are taken over without dropping a connection', async () => {
  const files = { certFile: 'server.pem', keyFile: 'server.key' }
  const gateway = await startGateway(
    cleanup,
    yamlOf({ https: true, tls: { certificates: [files] } }),
    inFiles('localhost'),
  )
  const { port } = gateway
  const client = new WireClient(await connectSecure(port))
  assert.is((await client.ask(GET)).body, 'mocked')
  assert.is(await shownFor(port, 'localhost'), 'localhost')

  // A key that does not belong to the certificate yet: the former pair goes on.
  const renewed = inFiles('renewed')
  await gateway.write('server.pem', renewed['server.pem'] ?? '')
  await until(
    () => gateway.lines.some((line) => line.includes('does not belong to the certificate')),
    'the log says why the change is refused',
  )
  assert.is(await shownFor(port, 'localhost'), 'localhost')
  await gateway.write('server.key', renewed['server.key'] ?? '')
  await until(
    async () => (await shownFor(port, 'localhost')) === 'renewed localhost',
    'the new certificate is shown',
  )
  assert.is(gateway.gateway.portOf('server'), port)
  assert.is((await client.ask(GET)).body, 'mocked')
  client.close()
})

test('a change of the configuration replaces certificates, and turns TLS on and off, on the same port', async () => {
  const gateway = await startGateway(cleanup, yamlOf({}), {}, { watch: false })
  const { port } = gateway
  const change = async (server: object): Promise<void> => {
    await gateway.write('gateway.yaml', yamlOf(server))
    assert.equal(await gateway.gateway.reload(), [])
  }
  assert.is((await gateway.get('/')).body, 'mocked')
  await change({ https: true, ...inline('localhost') })
  assert.is(await shownFor(port, 'localhost'), 'localhost')
  await change({ https: true, ...inline('renewed') })
  assert.is(await shownFor(port, 'localhost'), 'renewed localhost')
  await change({})
  assert.is((await gateway.get('/')).body, 'mocked')
  assert.is(gateway.gateway.portOf('server'), port)
})

test('certificates that cannot be used are reported with their place', async () => {
  const good = inline('localhost')
  assert.equal(await problemsOf({ https: true }), [
    'https: `https` needs a certificate: `certBase64` and `keyBase64`, `certs` and `keys`, `tls.certificates`, or `autoCert`',
  ])
  assert.equal(await problemsOf({ https: true, ...good, keyBase64: inline('exact').keyBase64 }), [
    'keyBase64: the private key does not belong to the certificate',
  ])
  assert.equal(await problemsOf({ https: true, ...good, certBase64: 'AAAA' }), [
    'certBase64: the certificate cannot be used: it is not PEM in base64',
  ])
  assert.equal(await problemsOf({ https: true, certBase64: good.certBase64 }), [
    'certBase64: `keyBase64` is missing',
  ])
  assert.equal(await problemsOf({ https: true, keyBase64: good.keyBase64 }), [
    'keyBase64: `certBase64` is missing',
  ])
  assert.equal(
    await problemsOf({ https: true, certs: { a: good.certBase64 }, keys: { b: good.keyBase64 } }),
    ['certs.a: `keys` has no "a"', 'keys.b: `certs` has no "b"'],
  )
  assert.equal(await problemsOf({ https: true, ...good, caCertBase64: base64('nothing') }), [
    'caCertBase64: the authorities cannot be used: it is not PEM in base64',
  ])
  assert.match(
    (await problemsOf({ https: true, ...good, tls: { minVersion: 'TLSv1' } }))[0] ?? '',
    'tls.minVersion: `minVersion` takes one of "TLSv1.2", "TLSv1.3"',
  )
})

test('a certificate that has expired is served, and the log says so', async () => {
  const { port, lines } = await startGateway(
    cleanup,
    yamlOf({ https: true, ...inline('expired') }),
    {},
    { watch: false },
  )
  assert.is(await shownFor(port, 'localhost'), 'localhost')
  assert.ok(lines.some((line) => line.includes('the certificate certBase64 has expired')))
})

test('what TLS of Easegress is not here yet says so', async () => {
  const good = inline('localhost')
  const problems = await problemsOf({ https: true, ...good, http3: true })
  assert.equal(problems, ['http3: `http3` is not supported yet: clients speak HTTP/2 over `https`'])
})

test('a certificate file that is not there is an error of the server, by name', async () => {
  const { gateway } = await startGateway(
    cleanup,
    yamlOf({ https: true, tls: { certificates: [{ certFile: 'none.pem', keyFile: 'none.key' }] } }),
    {},
    { watch: false },
  )
  const status = gateway.control.status().find(({ name }) => name === 'server')
  assert.match(String(status?.error), /none\.pem cannot be used: .*ENOENT/)
})

test('clients must show a certificate, and CertExtractor says whose it is', async () => {
  const upstream = await startUpstream(cleanup)
  const filters = [
    {
      name: 'cert',
      kind: 'CertExtractor',
      certIndex: 0,
      target: 'subject',
      field: 'CommonName',
      headerKey: 'X-Client',
    },
    { name: 'proxy', kind: 'Proxy', pools: [{ servers: [{ url: upstream.url }] }] },
  ]
  const { port } = await startGateway(
    cleanup,
    yamlOf({ https: true, ...inline('localhost'), caCertBase64: base64(authority('ca')) }, filters),
  )
  const { headers } = JSON.parse(await get(port, '/', pair('client'))) as {
    headers: Record<string, string>
  }
  assert.is(headers['x-client'], 'alice')
  for (const shown of [{}, pair('other-client')]) {
    const error = await get(port, '/', shown).then(
      () => null,
      (refused: unknown) => refused,
    )
    assert.ok(error instanceof Error)
  }
})

test('HTTP/2 of a client is a request like any other, in the access log too', async () => {
  const gateway = await startGateway(
    cleanup,
    yamlOf({ https: true, ...inline('localhost'), accessLogFormat: '{{Proto}} {{StatusCode}}' }),
  )
  const session = connectHttp2(`https://localhost:${gateway.port}`, { ca: authority('ca') })
  const stream = session.request({ ':path': '/x' })
  stream.setEncoding('utf8')
  let body = ''
  stream.on('data', (text: string) => {
    body += text
  })
  await once(stream, 'end')
  assert.is(body, 'mocked')
  session.close()
  await until(
    () => gateway.lines.some((line) => line.includes('HTTP/2') && line.includes('200')),
    'the access log has a line',
  )
})
