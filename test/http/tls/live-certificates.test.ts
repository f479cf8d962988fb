import { connect as connectPlain } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { HttpServer } from '../../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import type { CertificatePair } from '../../../host/http/tls/certificate.ts'
import type { LiveCertificates } from '../../../host/http/tls/live-certificates.ts'
import { ServerTls } from '../../../host/http/tls/server-tls.ts'
import { pair } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'
import { WireClient } from '../wire.ts'
import { connectSecure, GET, listenSecure, tellConnection } from './listener.ts'

/** Certificates a test puts in and takes out. */
class TestCertificates implements LiveCertificates {
  readonly pairs: Map<string, CertificatePair> = new Map()
  readonly challenges: Map<string, CertificatePair> = new Map()

  get hasChallenges(): boolean {
    return this.challenges.size > 0
  }

  pairFor(host: string): CertificatePair | null {
    return this.pairs.get(host) ?? null
  }

  challengeFor(host: string): CertificatePair | null {
    return this.challenges.get(host) ?? null
  }
}

function named(name: string): CertificatePair {
  return { name, ...pair(name) }
}

for (const engine of HTTP_ENGINES) {
  const test = suite(`http/tls/live-certificates/${engine.name}`)
  let server: HttpServer
  let live: TestCertificates
  const clients: { destroy(): void }[] = []

  test.before.each(() => {
    live = new TestCertificates()
  })

  test.after.each(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await server.close(0)
  })

  async function listen(own: readonly string[] = []): Promise<void> {
    const settings = {
      certificates: own.map(named),
      clientCa: null,
      minVersion: 'TLSv1.2',
      http2: true,
    } as const
    server = await listenSecure(engine, tellConnection, new ServerTls(settings, live))
  }

  function keep<S extends { destroy(): void }>(socket: S): S {
    clients.push(socket)
    return socket
  }

  async function shown(options: Parameters<typeof connectSecure>[1]): Promise<TLSSocket> {
    return keep(await connectSecure(server.port, { rejectUnauthorized: false, ...options }))
  }

  async function shownFor(servername: string): Promise<string> {
    return String((await shown({ servername })).getPeerCertificate().subject.CN)
  }

  /** How a handshake that must fail ends. */
  function refusalOf(options: Parameters<typeof connectSecure>[1]): Promise<string> {
    const socket = connect({ port: server.port, host: '127.0.0.1', ...options })
    keep(socket)
    return new Promise((resolve) => {
      socket.on('error', (error) => resolve(error.message))
      socket.once('secureConnect', () => resolve('connected'))
    })
  }

  test('a name without a certificate is refused by an alert, until it has one', async () => {
    await listen()
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      assert.match(await refusalOf({ servername: 'localhost', maxVersion }), /alert handshake/i)
      assert.match(await refusalOf({ maxVersion }), /alert handshake/i)
    }
    live.pairs.set('localhost', named('localhost'))
    assert.is(await shownFor('localhost'), 'localhost')
    assert.match(await refusalOf({ servername: 'elsewhere.test' }), /alert handshake/i)
  })

  test('a renewed certificate is for new connections; open ones go on', async () => {
    await listen()
    live.pairs.set('localhost', named('localhost'))
    const before = new WireClient(await shown({ servername: 'localhost' }))
    assert.is((await before.ask(GET)).status, 200)
    live.pairs.set('localhost', named('renewed'))
    assert.is(await shownFor('localhost'), 'renewed localhost')
    assert.is((await before.ask(GET)).status, 200)
  })

  test('a certificate of its own for exactly the name goes first, one with a wildcard last', async () => {
    await listen(['exact', 'wildcard'])
    live.pairs.set('a.example.com', named('localhost'))
    live.pairs.set('b.example.com', named('renewed'))
    assert.is(await shownFor('a.example.com'), 'a.example.com')
    assert.is(await shownFor('b.example.com'), 'renewed localhost')
    assert.is(await shownFor('c.example.com'), '*.example.com')
    assert.is(await shownFor('elsewhere.test'), 'a.example.com')
  })

  test('an authority that checks a name sees the challenge, and nobody else does', async () => {
    await listen(['localhost'])
    live.pairs.set('a.example.com', named('exact'))
    live.challenges.set('a.example.com', named('renewed'))
    const check = { servername: 'a.example.com', ALPNProtocols: ['acme-tls/1'] }
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shown({ ...check, maxVersion })
      assert.is(socket.alpnProtocol, 'acme-tls/1')
      assert.is(String(socket.getPeerCertificate().subject.CN), 'renewed localhost')
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
    }
    assert.is(await shownFor('a.example.com'), 'a.example.com')
    const both = { servername: 'a.example.com', ALPNProtocols: ['h2', 'http/1.1'] }
    assert.is((await shown(both)).alpnProtocol, 'h2')
    assert.is((await new WireClient(await shown({})).ask(GET)).status, 200)
    assert.match(await refusalOf({ ...check, servername: 'localhost' }), /no application protocol/i)
    live.challenges.clear()
    assert.match(await refusalOf(check), /no application protocol/i)
  })

  test('a first message in pieces is put together while a name is checked', async () => {
    await listen(['localhost'])
    live.challenges.set('a.example.com', named('renewed'))
    const raw = keep(connectPlain(server.port, '127.0.0.1'))
    // A client writes its bytes one by one through a socket that passes them on.
    const { Duplex } = await import('node:stream')
    const pieces = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        for (const byte of chunk) raw.write(Buffer.from([byte]))
        done()
      },
    })
    raw.setNoDelay(true)
    raw.on('data', (chunk) => pieces.push(chunk))
    raw.on('close', () => pieces.push(null))
    const socket = keep(
      connect({ socket: pieces, servername: 'localhost', rejectUnauthorized: false }),
    )
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    assert.is(String(socket.getPeerCertificate().subject.CN), 'localhost')
  })

  test('what is no TLS, or goes away, is closed while a name is checked', async () => {
    await listen(['localhost'])
    live.challenges.set('a.example.com', named('renewed'))
    const plain = keep(connectPlain(server.port, '127.0.0.1'))
    plain.on('error', () => plain.destroy())
    plain.write(GET)
    plain.resume()
    await new Promise((resolve) => plain.once('close', resolve))
    const silent = keep(connectPlain({ port: server.port, host: '127.0.0.1' }))
    silent.on('error', () => silent.destroy())
    silent.end(Buffer.from([22, 3, 1]))
    silent.resume()
    await new Promise((resolve) => silent.once('close', resolve))
    assert.is(server.connections, 0)
  })
}
