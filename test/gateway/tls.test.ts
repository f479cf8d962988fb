import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer as createHttp2Server } from 'node:http2'
import { createServer as createSecureServer, request } from 'node:https'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { createServer as createTlsServer, type SecureContextOptions } from 'node:tls'
import { ConfigError } from '../../host/config/issues.ts'
import { connectSecure, GET } from '../http/tls/listener.ts'
import { WireClient } from '../http/wire.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { authority, base64, pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'
import { frame, startWebSocketServer } from '../support/websocket-server.ts'

const cleanup = new Cleanup()

/** An HTTPServer with these fields, as JSON is YAML, before a pipeline with these filters. */
function yamlOf(server: object, filters: readonly object[] = [MOCK]): string {
  const rules = [{ paths: [{ pathPrefix: '/', backend: 'main' }] }]
  const documents = [
    { kind: 'HTTPServer', name: 'server', address: '127.0.0.1', port: 0, rules, ...server },
    { kind: 'Pipeline', name: 'main', filters },
  ]
  return documents.map((document) => JSON.stringify(document)).join('\n---\n')
}

const MOCK = { name: 'mock', kind: 'Mock', rules: [{ body: 'mocked' }] }

function inline(name: string): { certBase64: string; keyBase64: string } {
  const { cert, key } = pair(name)
  return { certBase64: base64(cert), keyBase64: base64(key) }
}

function inFiles(name: string): Record<string, string> {
  const { cert, key } = pair(name)
  return { 'server.pem': cert, 'server.key': key }
}

/** The body of the answer to one request over TLS. */
function get(port: number, path = '/', more: SecureContextOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        path,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authority('ca'),
        agent: false,
        ...more,
      },
      (response) => {
        response.setEncoding('utf8')
        let body = ''
        response.on('data', (text: string) => {
          body += text
        })
        response.on('end', () => resolve(body))
      },
    )
    call.on('error', reject)
    call.end()
  })
}

/** The common name of the certificate that is shown for `name`. */
async function shownFor(port: number, host: string): Promise<string> {
  const socket = await connectSecure(port, { servername: host, rejectUnauthorized: false })
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.destroy()
  return name
}

/** Path and message of each problem of a server with these fields. */
async function problemsOf(server: object, filters: readonly object[] = [MOCK]): Promise<string[]> {
  try {
    await startGateway(cleanup, yamlOf(server, filters), {}, { watch: false })
  } catch (error) {
    if (error instanceof ConfigError)
      return error.issues.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}

const test = suite('gateway/tls')

test.after(() => cleanup.run())

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

/** An upstream that speaks TLS, and says whose certificate it has seen. */
async function startSecureUpstream(
  options: object,
  onRequest: () => void = () => undefined,
): Promise<string> {
  const server = createSecureServer(options, (incoming, outgoing) => {
    onRequest()
    const socket = incoming.socket as import('node:tls').TLSSocket
    const shown = socket.getPeerCertificate()
    outgoing.end(`seen ${shown?.subject?.CN ?? 'nobody'}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://localhost:${(server.address() as AddressInfo).port}`
}

/** A gateway with a Proxy to `url`. */
function startProxy(url: string, fields: object, pool: object = {}): Promise<TestGateway> {
  const proxy = {
    name: 'proxy',
    kind: 'Proxy',
    pools: [{ servers: [{ url }], ...pool }],
    ...fields,
  }
  return startGateway(cleanup, yamlOf({}, [proxy]), {}, { watch: false })
}

test('an upstream whose certificate nobody trusts is not spoken to', async () => {
  const url = await startSecureUpstream(pair('localhost'))
  const gateway = await startProxy(url, {})
  assert.is((await gateway.get('/')).status, 503)
})

test('mtls of a Proxy: authorities, a certificate to show, and no checks when it says so', async () => {
  const url = await startSecureUpstream({
    ...pair('localhost'),
    ca: authority('ca'),
    requestCert: true,
    rejectUnauthorized: true,
  })
  const rootCertBase64 = base64(authority('ca'))
  const trusted = await startProxy(url, { mtls: { ...inline('client'), rootCertBase64 } })
  assert.is((await trusted.get('/')).body, 'seen alice')
  const anonymous = await startProxy(url, { mtls: { rootCertBase64 } })
  assert.is((await anonymous.get('/')).status >= 500, true)
  const blind = await startProxy(url, { mtls: { ...inline('client'), insecureSkipVerify: true } })
  assert.is((await blind.get('/')).body, 'seen alice')
})

test('tls of a pool goes before mtls of the filter', async () => {
  const url = await startSecureUpstream(pair('exact'))
  const mtls = { rootCertBase64: base64(authority('other-ca')) }
  const tls = { rootCertBase64: base64(authority('ca')), serverName: 'a.example.com' }
  const gateway = await startProxy(url, { mtls }, { tls })
  assert.is((await gateway.get('/')).body, 'seen nobody')
  const unnamed = await startProxy(url, { mtls }, { tls: { rootCertBase64: tls.rootCertBase64 } })
  assert.is((await unnamed.get('/')).status, 503)
})

test('active health checks trust what the pool trusts', async () => {
  let checks = 0
  const url = await startSecureUpstream(pair('localhost'), () => {
    checks += 1
  })
  const gateway = await startProxy(
    url,
    { mtls: { rootCertBase64: base64(authority('ca')) } },
    { healthCheck: { interval: '50ms', uri: '/' } },
  )
  await until(() => checks >= 3, 'three checks')
  assert.is((await gateway.get('/')).status, 200)
  assert.not(gateway.lines.some((line) => line.includes('unhealthy')))
})

test('mtls that cannot be used is reported with its place', async () => {
  const pools = [{ servers: [{ url: 'https://127.0.0.1:1' }] }]
  const of = (mtls: object): Promise<string[]> =>
    problemsOf({}, [{ name: 'proxy', kind: 'Proxy', pools, mtls }])
  const good = inline('client')
  assert.equal(await of({ certBase64: good.certBase64 }), [
    'filters[0].mtls.certBase64: `keyBase64` is missing',
  ])
  assert.equal(await of({ ...good, keyBase64: inline('exact').keyBase64 }), [
    'filters[0].mtls.keyBase64: the private key does not belong to the certificate',
  ])
  assert.equal(await of({ rootCertBase64: 'x' }), [
    'filters[0].mtls.rootCertBase64: the authorities cannot be used: it is not PEM in base64',
  ])
})

test('http2 of a pool: requests go over HTTP/2 to an upstream that can', async () => {
  const server = createHttp2Server(pair('localhost'))
  server.on('request', (_incoming, outgoing) => outgoing.end('over HTTP/2'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.add(() => server.close())
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const rootCertBase64 = base64(authority('ca'))
  const gateway = await startProxy(url, {}, { tls: { rootCertBase64, http2: true } })
  assert.is((await gateway.get('/')).body, 'over HTTP/2')
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

test('a WebSocket over TLS reaches an upstream over TLS', async () => {
  const sockets = await startWebSocketServer(cleanup)
  // TLS before a server that knows nothing of it.
  const front = createTlsServer(pair('localhost'), (socket) => {
    const behind = connectPlain(sockets.port, '127.0.0.1')
    socket.on('error', () => behind.destroy())
    behind.on('error', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  cleanup.add(() => front.close())
  const proxy = {
    name: 'ws',
    kind: 'WebSocketProxy',
    pools: [
      {
        servers: [{ url: `wss://localhost:${(front.address() as AddressInfo).port}` }],
        tls: { rootCertBase64: base64(authority('ca')) },
      },
    ],
  }
  const { port } = await startGateway(
    cleanup,
    yamlOf({ https: true, ...inline('localhost') }, [proxy]),
  )
  const client = new WireClient(await connectSecure(port))
  client.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  )
  await client.until(() => client.received.includes('\r\n\r\n') || client.hasEnded)
  assert.match(client.received, /^HTTP\/1\.1 101 /)
  client.socket.write(frame(1, Buffer.from('hello over TLS'), true))
  await client.until(() => client.received.endsWith('hello over TLS') || client.hasEnded)
  assert.match(client.received, /hello over TLS$/)
  client.close()
})
