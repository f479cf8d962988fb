import { once } from 'node:events'
import { connect as netConnect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { HTTP_ENGINES } from '../../host/http/engines.ts'
import { assert, suite } from '../support/suite.ts'
import { startTinyProxy, type TinyProxy, type TinyProxyOptions } from './native/tiny-proxy.ts'
import { testsOf } from './node-differences.ts'
import { type SeenRequest, startUpstream, type Upstream, valuesOf, WireClient } from './wire.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** What an upstream sends, and what the client may see of it. "cut" is a connection that ends in the middle. */
const ANSWERS: readonly (readonly [
  name: string,
  bytes: string,
  outcome: number | 'cut',
  ends?: boolean,
])[] = [
  ['U04 a body that ends early', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'cut', true],
  [
    'U05 chunks that end early',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
    'cut',
    true,
  ],
  ['U10 a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 502],
  ['U11 another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc', 502, true],
  ['U18 a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['U20 a status past 599', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['a status below 100', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['U22 binary garbage', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1', 502],
  ['U23 NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n', 502],
  ['U25 line ends of LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502],
  ['U26 a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n', 502],
  [
    'U28 five thousand fields',
    `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}Content-Length: 0\r\n\r\n`,
    502,
  ],
  ['a header past 64 KiB', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 502],
  [
    'U32 an extension of 64 KiB',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${'e'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`,
    502,
  ],
  ['U36 a long reason', `HTTP/1.1 200 ${'r'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`, 502],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc', 502],
  [
    'length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    502,
  ],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502],
  ['another version', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 502],
  ['seventeen interim answers', 'HTTP/1.1 103 Early\r\n\r\n'.repeat(17) + OK, 502],
  ['an end before any byte', '', 502, true],
  ['an end in the head', 'HTTP/1.1 200 OK\r\nContent-', 502, true],
]

for (const engine of HTTP_ENGINES) {
  const tests = suite(`http/upstream/${engine.name}`)
  const test = testsOf(engine.name, tests)

  let upstream: Upstream
  let proxy: TinyProxy
  const clients: WireClient[] = []

  async function start(
    onRequest: (socket: Socket, request: SeenRequest, index: number) => void,
    options: TinyProxyOptions = {},
  ): Promise<WireClient> {
    upstream = await startUpstream(onRequest)
    proxy = await startTinyProxy(engine, upstream.origin, options)
    return connect()
  }

  async function connect(): Promise<WireClient> {
    const client = await WireClient.open(proxy.port)
    clients.push(client)
    return client
  }

  tests.after.each(async () => {
    for (const client of clients.splice(0)) client.close()
    await proxy.close()
    await upstream.close()
  })

  for (const [name, bytes, outcome, ends = false] of ANSWERS) {
    test(`${name}: ${outcome === 'cut' ? 'the answer does not look whole' : outcome}`, async () => {
      const client = await start((socket) => {
        socket.write(bytes, 'latin1')
        if (ends) socket.end()
      })
      client.write(GET)
      if (outcome === 'cut') {
        await client.ended()
        assert.not.ok(client.received.includes('\r\n0\r\n'))
        assert.is(await client.answer(), null)
      } else assert.is((await client.answer())?.status, outcome)
      while (upstream.sockets.size > 0) await sleep(1)
    })
  }

  test('U01, U02: what follows an answer is dropped with its connection', async () => {
    const client = await start((socket, _, index) => {
      socket.write(index === 0 ? `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : OK)
    })
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream.accepted, 2)
  })

  test('an idle connection that speaks unasked is not used again', async () => {
    const client = await start((socket, _, index) => {
      socket.write(OK)
      if (index === 0) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n'), 5)
    })
    assert.is((await client.ask(GET)).body, 'ok')
    while (upstream.sockets.size > 0) await sleep(1)
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream.accepted, 2)
  })

  test('U14: interim answers nobody asked for are swallowed', async () => {
    const client = await start((socket) => {
      socket.write(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
      )
    })
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream.accepted, 1)
  })

  test('U17: the length of a 304 and of a HEAD goes on, without a body', async () => {
    const client = await start((socket, { line }) => {
      const status = line.startsWith('HEAD') ? '200 OK' : '304 Not Modified'
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 4\r\n\r\n`)
    })
    const same = await client.ask(GET)
    assert.equal([same.status, ...valuesOf(same, 'content-length')], [304, '4'])
    const head = await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal([head.status, ...valuesOf(head, 'content-length')], [200, '4'])
    assert.is(upstream.accepted, 1)
  })

  test('U39: a body after a HEAD closes the connection and goes nowhere', async () => {
    const client = await start((socket) => socket.write(OK))
    const head = await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(valuesOf(head, 'content-length'), ['2'])
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream.accepted, 2)
  })

  test('U29: a reset on a connection that was used before is met with one more attempt', async () => {
    const client = await start((socket, _, index) => {
      if (index === 1) socket.resetAndDestroy()
      else socket.write(OK)
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream.seen.length, 3)
  })

  test('a request that is not idempotent is not sent twice, nor any on a fresh connection', async () => {
    const client = await start((socket, { line }, index) => {
      if (index === 0 && line.startsWith('POST')) socket.write(OK)
      else socket.resetAndDestroy()
    })
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'
    await client.ask(post)
    assert.is((await client.ask(post)).status, 502)
    assert.is(upstream.seen.length, 2)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream.seen.length, 3)
  })

  test('a second attempt is the last', async () => {
    const client = await start((socket, _, index) => {
      if (index === 0) socket.write(OK)
      else socket.destroy()
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream.seen.length, 3)
  })

  test('no second attempt once a byte of the answer is here', async () => {
    const client = await start((socket, _, index) => {
      if (index === 0) socket.write(OK)
      else socket.end('HTTP/1.1 2')
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream.seen.length, 2)
  })

  test('U35: silence is answered 504 when the time for an answer is over', async () => {
    const client = await start(() => undefined, { timeoutMs: 400 })
    const startedAtMs = performance.now()
    assert.is((await client.ask(GET)).status, 504)
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 390 && tookMs < 900, `${tookMs} ms`)
    assert.equal(proxy.errors, ['UPSTREAM_TIMEOUT'])
  })

  test('a body that stands still breaks off', async () => {
    const client = await start(
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
      { client: { bodyIdleTimeoutMs: 200 } },
    )
    client.write(GET)
    await client.ended()
    assert.is(await client.answer(), null)
  })

  test('U37: an early refusal reaches a client that is still uploading', async () => {
    upstream = await startUpstream(() => undefined)
    upstream.server.removeAllListeners('connection')
    let received = 0
    upstream.server.on('connection', (socket) => {
      upstream.sockets.add(socket)
      socket.on('close', () => upstream.sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.on('data', (chunk) => {
        received += chunk.length
        if (received < 100_000 || socket.writableEnded) return
        socket.end(
          'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        )
      })
    })
    proxy = await startTinyProxy(engine, upstream.origin)
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n')
    const piece = 'x'.repeat(30_000)
    for (let i = 0; i < 300 && client.received === '' && !client.hasEnded; i++) {
      client.write(piece)
      await sleep(1)
    }
    const answer = await client.answer()
    assert.is(answer?.status, 413)
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await client.ended()
    assert.ok(received < 5_000_000, 'the upload was stopped')
  })

  test('U38: an early answer that keeps its connection open does not keep it in the pool', async () => {
    upstream = await startUpstream(() => undefined)
    upstream.server.removeAllListeners('connection')
    upstream.server.on('connection', (socket) => {
      upstream.accepted += 1
      upstream.sockets.add(socket)
      socket.on('close', () => upstream.sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.write(OK))
    })
    proxy = await startTinyProxy(engine, upstream.origin)
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello')
    assert.is((await client.answer())?.body, 'ok')
    while (upstream.sockets.size > 0) await sleep(1)
    const other = await connect()
    assert.is((await other.ask(GET)).body, 'ok')
    assert.is(upstream.accepted, 2)
  })

  test('U40: fifty cookies keep their number and order', async () => {
    const cookies = Array.from({ length: 50 }, (_, i) => `c${i}=${i}`)
    const client = await start((socket) => {
      const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('')
      socket.write(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`)
    })
    assert.equal(valuesOf(await client.ask(GET), 'set-cookie'), cookies)
  })

  test('U42: a 200 to a request with Upgrade is a 200', async () => {
    const client = await start((socket) => socket.write(OK))
    const answer = await client.ask(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    assert.is(answer.body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
  })

  test('hop-by-hop fields of an answer, and those that Connection names, stay behind', async () => {
    const client = await start((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=9\r\n' +
          'Proxy-Connection: x\r\nTrailer: a\r\nX-Outer: 2\r\nContent-Length: 0\r\n\r\n',
      )
    })
    const answer = await client.ask(GET)
    // One of the gateway's own is no field of the upstream.
    assert.not.ok(valuesOf(answer, 'connection').some((value) => value.includes('X-Inner')))
    for (const name of ['x-inner', 'keep-alive', 'proxy-connection', 'trailer']) {
      assert.equal(valuesOf(answer, name), [], name)
    }
    assert.equal(valuesOf(answer, 'x-outer'), ['2'])
  })

  test('an answer without a length ends with its connection, and comes to the client in chunks', async () => {
    const client = await start((socket, { line }) => {
      socket.end(`HTTP/1.${line.includes('/old') ? 0 : 1} 200 OK\r\n\r\nhello`)
    })
    for (const path of ['/', '/old']) {
      const answer = await client.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      assert.is(answer.body, 'hello')
    }
    assert.is(upstream.accepted, 2)
  })

  test('trailers travel both ways', async () => {
    const client = await start((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nVary: x\r\n\r\n',
      )
    })
    const answer = await client.ask(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 3\r\n\r\n',
    )
    assert.is(answer.body, 'ok')
    assert.equal(answer.trailers, ['X-Sum', '7'])
    assert.is(upstream.seen[0]?.body, 'hi')
  })

  test('the connection that was used last is used next', async () => {
    const sockets: Socket[] = []
    const client = await start((socket, { line }) => {
      sockets.push(socket)
      if (line.includes('/slow')) setTimeout(() => socket.write(OK), 30)
      else socket.write(OK)
    })
    const other = await connect()
    const slow = client.ask('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await other.ask(GET)
    await slow
    for (let i = 0; i < 5; i++) await other.ask(GET)
    assert.is(upstream.accepted, 2)
    // "slow" came back last.
    assert.ok(sockets.slice(2).every((socket) => socket === sockets[0]))
  })

  test('requests past the number of connections wait for one, in order', async () => {
    const client = await start(
      (socket, { line }) => setTimeout(() => socket.write(OK), line.length),
      {
        maxConnections: 1,
      },
    )
    const others = await Promise.all([connect(), connect(), connect()])
    const all = [client, ...others].map((one) => one.ask(GET))
    for (const answer of await Promise.all(all)) assert.is(answer.status, 200)
    assert.is(upstream.accepted, 1)
  })

  test('an idle connection closes before the upstream closes it', async () => {
    const client = await start((socket) => socket.write(OK), {
      client: { keepAliveTimeoutMs: 100 },
    })
    await client.ask(GET)
    assert.is(upstream.sockets.size, 1)
    while (upstream.sockets.size > 0) await sleep(5)
  })

  test('503 when nobody listens, and when nobody accepts in time', async () => {
    const client = await start(() => undefined)
    await upstream.close()
    assert.is((await client.ask(GET)).status, 503)
    assert.equal(proxy.errors, ['UPSTREAM_CONNECT'])
    upstream = await startUpstream(() => undefined)
  })

  test('a client that leaves takes its request at the upstream with it', async () => {
    const client = await start(() => undefined)
    client.write(GET)
    while (upstream.seen.length === 0) await sleep(1)
    client.close()
    while (upstream.sockets.size > 0) await sleep(1)
    while (proxy.errors.length === 0) await sleep(1)
    assert.equal(proxy.errors, ['UPSTREAM_ABORTED'])
  })

  test('a client that leaves in the middle of an answer ends the answer at the upstream', async () => {
    const client = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    })
    client.write(GET)
    await client.until(() => client.received.includes('hello'))
    client.close()
    while (upstream.sockets.size > 0) await sleep(1)
  })

  test('events pass one by one, as they come', async () => {
    let send: (text: string) => void = () => undefined
    const client = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
      send = (text) => void socket.write(text)
    })
    client.write(GET)
    await client.until(() => client.received.includes('\r\n\r\n'))
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      send(event)
      await client.until(() => client.received.includes(event))
    }
  })

  test('a slow reader stops the upstream instead of filling memory', async () => {
    const total = 64 * 1024 * 1024
    const piece = Buffer.alloc(256 * 1024, 'x')
    let sent = 0
    const client = await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      const pump = (): void => {
        while (sent < total) {
          sent += piece.length
          if (!socket.write(piece)) {
            socket.once('drain', pump)
            return
          }
        }
      }
      pump()
    })
    client.socket.pause()
    client.write(GET)
    let before = -1
    while (before !== sent || sent === 0) {
      before = sent
      await sleep(50)
    }
    assert.ok(sent < total / 2, `${sent} bytes were taken`)
    client.socket.resume()
    await client.until(() => client.bytes >= total)
  })

  test('long bodies of many clients, slow and fast, arrive unmixed', async () => {
    upstream = await startUpstream(() => undefined)
    upstream.server.removeAllListeners('connection')
    // Echoes each request's body, which fills memory that is used over and over.
    upstream.server.on('connection', (socket) => {
      upstream.sockets.add(socket)
      socket.on('close', () => upstream.sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      let isHead = true
      socket.on('data', (chunk: Buffer) => {
        let body = chunk
        if (isHead) {
          isHead = false
          const end = chunk.indexOf('\r\n\r\n')
          const length = /content-length: (\d+)/i.exec(chunk.latin1Slice(0, end))?.[1]
          socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`)
          body = chunk.subarray(end + 4)
        }
        if (!socket.write(body)) {
          socket.pause()
          socket.once('drain', () => socket.resume())
        }
      })
    })
    proxy = await startTinyProxy(engine, upstream.origin, { limits: { maxBodyBytes: -1 } })
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const body = Buffer.alloc(3_000_000)
        for (let at = 0; at < body.length; at += 4) body.writeUInt32LE((at * 97 + i) >>> 0, at)
        const socket = netConnect({ port: proxy.port, host: '127.0.0.1' })
        const pieces: Buffer[] = []
        let received = 0
        socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
        for await (const chunk of socket as AsyncIterable<Buffer>) {
          pieces.push(chunk)
          received += chunk.length
          if (i % 2 === 0) await sleep(2)
          if (received > body.length && Buffer.concat(pieces).includes('\r\n\r\n')) {
            const all = Buffer.concat(pieces)
            if (all.length - all.indexOf('\r\n\r\n') - 4 >= body.length) break
          }
        }
        const all = Buffer.concat(pieces)
        assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body), `client ${i}`)
      }),
    )
  })

  test('an upstream that does not read stops the upload', async () => {
    upstream = await startUpstream(() => undefined)
    upstream.server.removeAllListeners('connection')
    upstream.server.on('connection', (socket) => {
      upstream.sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.pause()
    })
    proxy = await startTinyProxy(engine, upstream.origin, { limits: { maxBodyBytes: -1 } })
    const client = await connect()
    const total = 64 * 1024 * 1024
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    const piece = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    while (written < total && client.socket.write(piece)) {
      written += piece.length
      await sleep(1)
    }
    assert.ok(written < total / 2, `${written} bytes were taken`)
    // Somebody must still be able to leave.
    client.close()
    for (const socket of upstream.sockets) {
      socket.resume()
      await once(socket, 'close')
    }
  })
}
