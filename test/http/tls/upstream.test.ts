import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { isGatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import type { HttpClient } from '../../../host/http/engine.ts'
import { nativeEngine } from '../../../host/http/native/engine.ts'
import { undiciEngine } from '../../../host/http/node/undici-engine.ts'
import { answerOf } from '../../../host/http/promised-answer.ts'
import {
  DEFAULT_UPSTREAM_TLS,
  UpstreamTls,
  type UpstreamTlsSettings,
} from '../../../host/http/tls/upstream-tls.ts'
import { authority, pair } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'
import { startUpstream as startPlain } from '../wire.ts'

for (const [name, engine] of Object.entries({ native: nativeEngine, undici: undiciEngine })) {
  const test = suite(`http/tls/upstream/${name}`)
  const closers: (() => unknown)[] = []
  /** Connections whose handshake is over. */
  let sockets: TLSSocket[] = []
  let wereResumed: boolean[] = []

  /** An upstream that answers every request on its first packet; answers its port. */
  async function upstream(options: TlsOptions): Promise<number> {
    const server: Server = createServer(options, (socket) => {
      sockets.push(socket)
      wereResumed.push(socket.isSessionReused())
      socket.on('error', () => socket.destroy())
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello')
        socket.end()
      })
    })
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      sockets = []
      wereResumed = []
      server.close()
    })
    return (server.address() as AddressInfo).port
  }

  function client(origin: string, settings: Partial<UpstreamTlsSettings> | null): HttpClient {
    const made = engine.createClient({
      origin,
      connectTimeoutMs: 5_000,
      maxConnections: 8,
      tls: settings === null ? null : new UpstreamTls({ ...DEFAULT_UPSTREAM_TLS, ...settings }),
    })
    closers.push(() => made.close())
    return made
  }

  /** The body of the answer, or the code and message of the error. */
  async function ask(to: HttpClient): Promise<string> {
    try {
      const request = { method: 'GET', target: '/', host: 'a', headers: [], body: Body.none }
      const { body } = await answerOf(to, request, 5_000, null)
      return (await body.collect()).toString()
    } catch (error) {
      return isGatewayError(error) ? `${error.code} ${error.message}` : String(error)
    }
  }

  test.after.each(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  test('takes a certificate of the configured authority, by name and by address', async () => {
    const port = await upstream(pair('localhost'))
    const tls = { ca: authority('ca') }
    assert.is(await ask(client(`https://localhost:${port}`, tls)), 'hello')
    assert.is(await ask(client(`https://127.0.0.1:${port}`, tls)), 'hello')
    assert.is(sockets[0]?.servername, 'localhost')
  })

  test('U45: refuses what no trusted authority has signed, when nothing is configured', async () => {
    const port = await upstream(pair('localhost'))
    const why = /^UPSTREAM_CONNECT .*not signed by an authority that is trusted here/
    assert.match(await ask(client(`https://localhost:${port}`, null)), why)
    const other = { ca: authority('other-ca') }
    assert.match(await ask(client(`https://localhost:${port}`, other)), why)
  })

  test('U45: refuses a certificate for another name', async () => {
    const port = await upstream(pair('exact'))
    const tls = { ca: authority('ca') }
    assert.match(
      await ask(client(`https://localhost:${port}`, tls)),
      /is for another name.*a\.example\.com/,
    )
    assert.match(await ask(client(`https://127.0.0.1:${port}`, tls)), /is for another name/)
    const named = { ca: authority('ca'), serverName: 'a.example.com' }
    assert.is(await ask(client(`https://127.0.0.1:${port}`, named)), 'hello')
  })

  test('U45: refuses a certificate that is over', async () => {
    const port = await upstream(pair('expired'))
    const tls = { ca: authority('ca') }
    assert.match(await ask(client(`https://localhost:${port}`, tls)), 'its certificate has expired')
  })

  test('takes any certificate only when it is told to', async () => {
    const port = await upstream(pair('stranger'))
    assert.is(await ask(client(`https://localhost:${port}`, { isVerified: false })), 'hello')
  })

  test('shows its own certificate to an upstream that asks for one', async () => {
    const port = await upstream({
      ...pair('localhost'),
      ca: authority('ca'),
      requestCert: true,
      rejectUnauthorized: true,
    })
    const tls = { ca: authority('ca'), ...pair('client') }
    assert.is(await ask(client(`https://localhost:${port}`, tls)), 'hello')
    assert.is(sockets[0]?.getPeerCertificate().subject.CN, 'alice')
    assert.match(
      await ask(client(`https://localhost:${port}`, { ca: authority('ca') })),
      /^UPSTREAM_/,
    )
  })

  test('says that an upstream does not speak TLS', async () => {
    const plain = await startPlain((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    closers.push(() => plain.close())
    plain.server.on('connection', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const said = await ask(client(`https://127.0.0.1:${plain.port}`, null))
    assert.match(said, /^UPSTREAM_CONNECT .*it does not speak TLS/)
  })

  test('takes a session up again for the next connection', async () => {
    const port = await upstream(pair('localhost'))
    const to = client(`https://localhost:${port}`, { ca: authority('ca') })
    for (let i = 0; i < 3; i++) assert.is(await ask(to), 'hello')
    assert.is(wereResumed.length, 3)
    assert.is(wereResumed[0], false)
    assert.is(wereResumed[2], true)
  })
}
