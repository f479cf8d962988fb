import { once } from 'node:events'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { connectSecure } from '../http/tls/listener.ts'
import { WireClient } from '../http/wire.ts'
import { Cleanup, startGateway, type TestGateway, until } from '../support/gateway.ts'
import { authority, base64, pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'
import { inline, problemsIn, yamlOf } from '../support/tls-gateway.ts'
import { frame, startWebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/tls-upstreams')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

const problemsOf = (server: object, filters?: readonly object[]): Promise<string[]> =>
  problemsIn(cleanup, server, filters)

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
