import { setTimeout as sleep } from 'node:timers/promises'
import { nodeEngine } from '../../../host/http/node/engine.ts'
import { undiciEngine } from '../../../host/http/node/undici-engine.ts'
import { assert, suite } from '../../support/suite.ts'
import { startTinyProxy, type TinyProxy, type TinyProxyOptions } from '../native/tiny-proxy.ts'
import { startUpstream, type Upstream, valuesOf, WireClient } from '../wire.ts'

for (const [name, engine] of [
  ['node', nodeEngine],
  ['undici', undiciEngine],
] as const) {
  const test = suite(`http/node/proxy/${name}`)
  let upstream: Upstream
  let proxy: TinyProxy
  const clients: WireClient[] = []

  async function start(
    onRequest: Parameters<typeof startUpstream>[0],
    options: TinyProxyOptions = {},
  ): Promise<void> {
    upstream = await startUpstream(onRequest)
    proxy = await startTinyProxy(engine, upstream.origin, options)
  }

  async function connect(): Promise<WireClient> {
    const client = await WireClient.open(proxy.port)
    clients.push(client)
    return client
  }

  test.after.each(async () => {
    for (const client of clients.splice(0)) client.close()
    await proxy.close()
    await upstream.close()
  })

  const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  test('carries requests and answers in order, with repeated fields as they came', async () => {
    const cookies = Array.from({ length: 50 }, (_, i) => `Set-Cookie: c${i}=\xe9\r\n`).join('')
    await start((socket, request) => {
      const body = request.line
      socket.write(
        `HTTP/1.1 200 OK\r\n${cookies}Content-Length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      )
    })
    const client = await connect()
    client.write(Array.from({ length: 20 }, (_, i) => GET.replace('/', `/${i}`)).join(''))
    for (let i = 0; i < 20; i++) {
      const answer = await client.answer()
      assert.is(answer?.body, `GET /${i} HTTP/1.1`)
      assert.equal(
        valuesOf(answer ?? { fields: [] }, 'set-cookie'),
        Array.from({ length: 50 }, (_, n) => `c${n}=\xe9`),
      )
    }
    assert.is(upstream.accepted, 1)
  })

  test('passes on the lengths of answers without a body', async () => {
    await start((socket, request) => {
      const status = request.line.startsWith('HEAD') ? 200 : 304
      socket.write(`HTTP/1.1 ${status} x\r\nContent-Length: 1234\r\n\r\n`)
    })
    const client = await connect()
    const head = await client.ask(GET.replace('GET', 'HEAD'))
    assert.equal(valuesOf(head, 'content-length'), ['1234'])
    const same = await client.ask(GET)
    assert.is(same.status, 304)
    assert.equal(valuesOf(same, 'content-length'), ['1234'])
    assert.is(client.received, '')
  })

  test('carries 8 MiB both ways, by length and in chunks', async () => {
    const size = 8 * 1024 * 1024
    await start((socket, request) => {
      const framing = request.fields.includes('chunked')
        ? 'Transfer-Encoding: chunked'
        : `Content-Length: ${request.body.length}`
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
      if (!request.fields.includes('chunked')) socket.write(request.body, 'latin1')
      else {
        socket.write(`${request.body.length.toString(16)}\r\n`)
        socket.write(request.body, 'latin1')
        socket.write('\r\n0\r\n\r\n')
      }
    })
    const client = await connect()
    const body = 'x\xffyz'.repeat(size / 4)
    const known = await client.ask(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${body}`,
    )
    assert.ok(known.body === body, `${known.body.length} bytes`)
    const piece = `${(size / 4).toString(16)}\r\n${body.slice(0, size / 4)}\r\n`
    const chunked = await client.ask(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${piece.repeat(4)}0\r\n\r\n`,
    )
    assert.ok(chunked.body === body, `${chunked.body.length} bytes`)
  })

  test('keeps memory bounded for clients that do not read', async () => {
    const size = 16 * 1024 * 1024
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let pushed = 0
    await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      let left = size
      const push = (): void => {
        while (left > 0 && !socket.destroyed) {
          left -= chunk.length
          pushed += chunk.length
          if (!socket.write(chunk)) {
            socket.once('drain', push)
            return
          }
        }
      }
      push()
    })
    const slow = await Promise.all(Array.from({ length: 8 }, connect))
    for (const client of slow) {
      client.socket.pause()
      client.write(GET)
    }
    let before = -1
    while (before !== pushed) {
      before = pushed
      await sleep(200)
    }
    // What lies in the kernel's buffers on both sides is not ours; 8 x 16 MiB would have to be.
    assert.ok(pushed < 8 * size * 0.75, `${pushed} bytes left the upstream`)
    const reader = slow[0] as WireClient
    reader.socket.resume()
    await reader.until(() => reader.bytes > size)
    assert.is((await reader.answer())?.body.length, size)
  })

  test('breaks the request to the upstream off when the client leaves', async () => {
    await start((socket, request) => {
      if (request.line.includes('stream')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc')
      }
    })
    for (const target of ['/wait', '/stream']) {
      const client = await connect()
      client.write(GET.replace('/', target))
      while (upstream.sockets.size === 0) await sleep(1)
      if (target === '/stream') await client.until(() => client.received.includes('abc'))
      else await sleep(20)
      client.close()
      while (upstream.sockets.size > 0) await sleep(1)
    }
    const uploading = await connect()
    uploading.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc')
    while (upstream.sockets.size === 0) await sleep(1)
    uploading.close()
    while (upstream.sockets.size > 0) await sleep(1)
  })

  test('lets the client see that an upstream broke off', async () => {
    await start((socket, request) => {
      socket.write(
        request.line.includes('known')
          ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'
          : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      )
      setTimeout(() => socket.destroy(), 20)
    })
    for (const target of ['/known', '/chunked']) {
      const client = await connect()
      client.write(GET.replace('/', target))
      assert.is(await client.answer(), null)
      assert.not.ok(client.received.endsWith('\r\n0\r\n\r\n'), target)
    }
  })

  test('answers 502 for what is no HTTP, 503 without an upstream, 504 when it is late', async () => {
    await start(
      (socket, request) => {
        if (request.line.includes('bad')) socket.end('HTTP/1.1 099 Low\r\n\r\n')
      },
      { timeoutMs: 150 },
    )
    const client = await connect()
    assert.is((await client.ask(GET.replace('/', '/bad'))).status, 502)
    assert.is((await client.ask(GET.replace('/', '/late'))).status, 504)
    upstream.server.close()
    for (const socket of upstream.sockets) socket.destroy()
    while (upstream.sockets.size > 0) await sleep(1)
    assert.is((await client.ask(GET)).status, 503)
    upstream.server.listen(upstream.port, '127.0.0.1')
  })

  test('survives fields that have killed gateways on node:http', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTrailer: X\r\nContent-Length: 2\r\n\r\nok')
    })
    const client = await connect()
    for (const field of [
      'Trailer: X',
      'Transfer-Encoding: chunked\r\nTrailer: X',
      'Upgrade: h2c',
    ]) {
      const hasBody = field.startsWith('Transfer')
      const answer = await client.ask(
        `${hasBody ? 'POST' : 'GET'} / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n${hasBody ? '0\r\n\r\n' : ''}`,
      )
      assert.is(answer.status, 200, field)
    }
  })

  test('hands over an answer that comes before the body was sent', async () => {
    upstream = await startUpstream(() => undefined)
    upstream.server.removeAllListeners('connection')
    upstream.server.on('connection', (socket) => {
      upstream.sockets.add(socket)
      socket.on('close', () => upstream.sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
      })
    })
    proxy = await startTinyProxy(engine, upstream.origin)
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc')
    const answer = await client.answer('POST')
    assert.is(answer?.status, 403)
    assert.is(answer?.body, 'no')
  })
}
