import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { isGatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import type { HttpServer } from '../../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import { expiryWarning } from '../../../host/http/tls/certificate.ts'
import { authority, pair } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { WireClient } from '../wire.ts'
import { connectSecure, GET, listenSecure, openSecure, tellConnection, tlsOf } from './listener.ts'

for (const engine of HTTP_ENGINES) {
  const test = suite(`http/tls/server/${engine.name}`)
  let server: HttpServer
  const clients: { destroy(): void }[] = []

  function keep<S extends { destroy(): void }>(socket: S): S {
    clients.push(socket)
    return socket
  }

  async function open(options: Parameters<typeof openSecure>[1] = {}): Promise<WireClient> {
    const client = await openSecure(server.port, options)
    keep(client.socket)
    return client
  }

  /** The common name of the certificate that a client which asks for `name` is shown. */
  async function shownFor(name: string): Promise<string> {
    const socket = keep(
      await connectSecure(server.port, { servername: name, rejectUnauthorized: false }),
    )
    return String(socket.getPeerCertificate().subject.CN)
  }

  /** The code and text of the error a handshake ends with; "closed" when the server said nothing. */
  async function refusalOf(options: Parameters<typeof connectSecure>[1]): Promise<string> {
    const socket: TLSSocket = connect({
      port: server.port,
      host: '127.0.0.1',
      ca: authority('ca'),
      servername: 'localhost',
      ...options,
    })
    keep(socket)
    // With TLS 1.3 a client is ready before the server has looked at its certificate.
    socket.resume()
    let refusal = 'closed'
    socket.on('error', (error: Error & { code?: string }) => {
      refusal = `${error.code} ${error.message}`
    })
    // A server that takes the connection would answer, and the test wait.
    socket.write(GET)
    await new Promise((resolve) => socket.once('close', resolve))
    return refusal
  }

  test.after.each(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.close(0)
  })

  test('serves HTTP/1.1 over TLS, and the exchange knows', async () => {
    server = await listenSecure(engine, tellConnection)
    const client = await open()
    assert.is((await client.ask(GET)).body, 'https 1.1 ')
    assert.is((await client.ask(GET)).body, 'https 1.1 ')
    assert.is(server.connections, 1)
  })

  test('speaks TLS 1.2 and 1.3 and nothing older', async () => {
    server = await listenSecure(engine, tellConnection)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = keep(
        await connectSecure(server.port, { minVersion: version, maxVersion: version }),
      )
      assert.is(socket.getProtocol(), version)
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    assert.match(await refusalOf(old), /protocol version|unsupported protocol/i)
  })

  test('speaks TLS 1.3 alone when it is told to', async () => {
    server = await listenSecure(
      engine,
      tellConnection,
      tlsOf(['localhost'], { minVersion: 'TLSv1.3' }),
    )
    assert.match(await refusalOf({ maxVersion: 'TLSv1.2' }), /protocol version/i)
  })

  test('chooses the certificate by the host: exact before wildcard, the first for any other', async () => {
    server = await listenSecure(engine, tellConnection, tlsOf(['localhost', 'wildcard', 'exact']))
    assert.is(await shownFor('a.example.com'), 'a.example.com')
    assert.is(await shownFor('A.Example.com'), 'a.example.com')
    assert.is(await shownFor('b.example.com'), '*.example.com')
    assert.is(await shownFor('c.b.example.com'), 'localhost')
    assert.is(await shownFor('elsewhere.test'), 'localhost')
    assert.is(await shownFor(''), 'localhost')
  })

  test('new connections get new certificates, open ones go on', async () => {
    server = await listenSecure(engine, tellConnection)
    const before = await open()
    assert.is((await before.ask(GET)).status, 200)
    server.updateTls(tlsOf(['renewed']))
    assert.is(await shownFor('localhost'), 'renewed localhost')
    assert.is((await before.ask(GET)).status, 200)
  })

  test('a session is taken up again after a change of certificates, not after one of authorities', async () => {
    server = await listenSecure(engine, tellConnection)
    const first = await open({ maxVersion: 'TLSv1.2' })
    const session = (first.socket as TLSSocket).getSession()
    assert.ok(session !== undefined)
    const again = async (): Promise<boolean> => {
      const client = await open({
        maxVersion: 'TLSv1.2',
        ...(session === undefined ? {} : { session }),
        ...pair('client'),
      })
      return (client.socket as TLSSocket).isSessionReused()
    }
    server.updateTls(tlsOf(['renewed']))
    assert.is(await again(), true)
    server.updateTls(tlsOf(['renewed'], { clientCa: authority('ca') }))
    assert.is(await again(), false)
  })

  test('a plain listener becomes a TLS listener and back, without being closed', async () => {
    server = await engine.listen(
      {
        name: 'main',
        address: '127.0.0.1',
        port: 0,
        limits: LIMITS,
      },
      tellConnection,
    )
    const plain = await WireClient.open(server.port)
    keep(plain.socket)
    assert.is((await plain.ask(GET)).body, 'http 1.1 ')
    server.updateTls(tlsOf())
    const secure = await open()
    assert.is((await secure.ask(GET)).body, 'https 1.1 ')
    assert.is((await plain.ask(GET)).body, 'http 1.1 ')
    server.updateTls(null)
    const last = await WireClient.open(server.port)
    keep(last.socket)
    assert.is((await last.ask(GET)).body, 'http 1.1 ')
    assert.is((await secure.ask(GET)).body, 'https 1.1 ')
  })

  test('asks for a client certificate of the right authority, and shows it to the exchange', async () => {
    server = await listenSecure(
      engine,
      tellConnection,
      tlsOf(['localhost', 'exact'], { clientCa: authority('ca') }),
    )
    const client = await open(pair('client'))
    assert.is((await client.ask(GET)).body, 'https 1.1 alice')
    const bySni = await open({ ...pair('client'), servername: 'a.example.com' })
    assert.is((await bySni.ask(GET)).body, 'https 1.1 alice')
    const refused = /closed|ECONNRESET|EPIPE|certificate required|unknown ca/i
    assert.match(await refusalOf({}), refused)
    assert.match(await refusalOf(pair('other-client')), refused)
    assert.match(await refusalOf({ ...pair('other-client'), servername: 'a.example.com' }), refused)
  })

  test('offers HTTP/2 before HTTP/1.1, and refuses who speaks neither', async () => {
    server = await listenSecure(engine, tellConnection)
    const both = keep(await connectSecure(server.port, { ALPNProtocols: ['http/1.1', 'h2'] }))
    assert.is(both.alpnProtocol, 'h2')
    const old = keep(await connectSecure(server.port, { ALPNProtocols: ['http/1.1'] }))
    assert.is(old.alpnProtocol, 'http/1.1')
    assert.match(await refusalOf({ ALPNProtocols: ['spdy/3'] }), /no.application.protocol/i)
  })

  test('offers HTTP/1.1 alone when it is told to', async () => {
    server = await listenSecure(engine, tellConnection, tlsOf(['localhost'], { http2: false }))
    const socket = keep(await connectSecure(server.port, { ALPNProtocols: ['h2', 'http/1.1'] }))
    assert.is(socket.alpnProtocol, 'http/1.1')
  })

  test('what is no TLS is cut off, and so is a handshake that does not go on', async () => {
    server = await listenSecure(engine, tellConnection)
    const plain = await WireClient.open(server.port)
    keep(plain.socket)
    plain.write(GET)
    await plain.ended()
    const silent = keep(connectPlain(server.port, '127.0.0.1'))
    const startedAtMs = performance.now()
    await once(silent, 'close')
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs > 4_500 && tookMs < 20_000, `${tookMs} ms`)
    assert.is((await (await open()).ask(GET)).status, 200)
  })

  test('past the limit of connections a client is cut off; handshakes count', async () => {
    server = await listenSecure(engine, tellConnection, tlsOf(), { maxConnections: 1 })
    const silent = keep(connectPlain(server.port, '127.0.0.1'))
    await once(silent, 'connect')
    assert.match(await refusalOf({}), /ECONNRESET|before secure TLS/i)
    silent.destroy()
  })

  test('an answer that ends with its connection and breaks off costs no more than that', async () => {
    const warnings: string[] = []
    const onWarning = (warning: Error): void => void warnings.push(String(warning))
    process.on('warning', onWarning)
    server = await listenSecure(engine, (exchange) => {
      const body = Body.stream({
        pause: () => undefined,
        resume: () => undefined,
        cancel: () => undefined,
      })
      exchange.response = new Response(200, new Headers(), body)
      setTimeout(() => {
        body.push(Buffer.from('half'))
        setTimeout(() => body.fail(new Error('gone')), 20)
      }, 20)
    })
    const client = await open()
    client.write('GET / HTTP/1.0\r\n\r\n')
    await client.ended()
    assert.match(client.received, /half$/)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    assert.equal(warnings, [])
  })

  test('a closing listener lets a request over TLS end', async () => {
    let finish: () => void = () => undefined
    server = await listenSecure(engine, async (exchange) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      exchange.reply(200, 'done')
    })
    const client = await open()
    client.write(GET)
    while (server.connections === 0 || String(finish).includes('undefined')) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const closed = server.close(10_000)
    finish()
    const answer = await client.answer()
    assert.is(answer?.body, 'done')
    await closed
  })
}

const test = suite('http/tls/settings')

/** Why these settings are refused. */
function refusal(names: Parameters<typeof tlsOf>[0], more: Parameters<typeof tlsOf>[1]): string {
  try {
    tlsOf(names, more)
    return ''
  } catch (error) {
    return isGatewayError(error) ? `${error.code} ${error.message}` : String(error)
  }
}

test('a certificate or key that cannot be used is an error that says why', () => {
  const good = pair('localhost')
  const of = (cert: string, key: string): string =>
    refusal([], { certificates: [{ name: 'it', cert, key }] })
  assert.is(of(good.cert, good.key), '')
  assert.match(
    of(good.cert, pair('exact').key),
    'TLS_CERTIFICATE it cannot be used: the private key does not belong to the certificate',
  )
  assert.match(of('nothing', good.key), 'it holds no certificate in PEM')
  assert.match(of(good.cert, 'nothing'), 'the private key is no private key in PEM')
  assert.match(of(good.cert.replace(/[A-Za-z0-9]{20}\n/, 'AAAA\n'), good.key), 'cannot be read')
  assert.match(refusal(['localhost'], { clientCa: 'nothing' }), 'caCertBase64 cannot be used')
  assert.match(refusal([], {}), 'TLS_CERTIFICATE')
})

test('a certificate that is over, or soon will be, is worth a word', () => {
  const { cert } = pair('expired')
  const endMs = Date.UTC(2020, 0, 2)
  assert.match(expiryWarning(cert, endMs + 1_000) ?? '', 'has expired')
  assert.match(expiryWarning(cert, endMs - 5 * 86_400_000) ?? '', 'expires in 5 days')
  assert.is(expiryWarning(cert, endMs - 15 * 86_400_000), null)
})
