import { setTimeout as sleep } from 'node:timers/promises'
import { isGatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import type { Exchange, ExchangeEnd } from '../../../host/exchange/exchange.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import type { ExchangeHandler, HttpServer, ServerLimits } from '../../../host/http/engine.ts'
import { nodeEngine } from '../../../host/http/node/engine.ts'
import { assert, suite } from '../../support/suite.ts'
import { valuesOf, WireClient } from '../wire.ts'

const test = suite('http/node/server')

const LIMITS: ServerLimits = {
  keepAlive: true,
  keepAliveTimeoutMs: 60_000,
  maxConnections: 10_240,
  headerTimeoutMs: 5_000,
  maxHeaderBytes: 32 * 1024,
  maxHeaderCount: 100,
  maxBodyBytes: 10 * 1024 * 1024,
}

/** A producer that has nothing to pause. */
const QUIET = {
  resume: (): undefined => undefined,
  pause: (): undefined => undefined,
  cancel: (): undefined => undefined,
}

let server: HttpServer
const clients: WireClient[] = []

async function listen(handler: ExchangeHandler, limits: Partial<ServerLimits> = {}): Promise<void> {
  server = await nodeEngine.listen(
    { name: 'main', address: '127.0.0.1', port: 0, limits: { ...LIMITS, ...limits } },
    handler,
  )
}

async function connect(): Promise<WireClient> {
  const client = await WireClient.open(server.port)
  clients.push(client)
  return client
}

test.after.each(async () => {
  for (const client of clients.splice(0)) client.close()
  await server.close(0)
})

const hello = (exchange: Exchange): void => {
  exchange.reply(200, 'hello')
}

test('hands over the request as it was sent', async () => {
  let seen: Exchange | null = null
  await listen((exchange) => {
    seen = exchange
    exchange.reply(200, 'ok')
  })
  const client = await connect()
  await client.ask(
    'GET /a%2fb/%61?x=1&x=2 HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nx-a: \xff\r\nConnection: x-b\r\nX-B: 2\r\n\r\n',
  )
  const { request, server: name } = seen as unknown as Exchange
  assert.is(name, 'main')
  assert.is(request.method, 'GET')
  assert.is(request.path, '/a%2fb/a')
  assert.is(request.query, 'x=1&x=2')
  assert.is(request.host, 'shop')
  assert.is(request.httpVersion, '1.1')
  assert.is(request.remoteAddress, '127.0.0.1')
  assert.is(request.body, Body.none)
  assert.equal(request.headers.list, ['Host', 'shop', 'X-A', '1', 'x-a', '\xff'])
})

test('writes status, fields in order, its own framing and a date', async () => {
  const cookies = Array.from({ length: 50 }, (_, i) => ['Set-Cookie', `c${i}=\xe9`]).flat()
  await listen((exchange) => {
    const fields = [...cookies, 'Connection', 'X-Drop', 'X-Drop', '1', 'Content-Length', '99']
    exchange.response = new Response(201, new Headers(fields), Body.text('body'))
  })
  const client = await connect()
  const answer = await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.is(answer.status, 201)
  assert.is(answer.reason, 'Created')
  assert.is(answer.body, 'body')
  assert.equal(
    valuesOf(answer, 'set-cookie'),
    Array.from({ length: 50 }, (_, i) => `c${i}=\xe9`),
  )
  assert.equal(valuesOf(answer, 'content-length'), ['4'])
  assert.equal(valuesOf(answer, 'x-drop'), [])
  assert.is(valuesOf(answer, 'date').length, 1)
})

test('answers pipelined requests in order, one after the other', async () => {
  let running = 0
  let most = 0
  await listen(async (exchange) => {
    running += 1
    most = Math.max(most, running)
    await sleep(exchange.request.path === '/0' ? 20 : 0)
    running -= 1
    exchange.reply(200, exchange.request.path)
  })
  const client = await connect()
  const count = 100
  client.write(
    Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
  )
  for (let i = 0; i < count; i++) assert.is((await client.answer())?.body, `/${i}`)
  assert.is(most, 1)
})

test('keeps to the bodyless answers: HEAD, 204 and 304', async () => {
  await listen((exchange) => {
    const status = Number(exchange.request.path.slice(1))
    exchange.response = new Response(status, new Headers(), Body.text('12345'))
  })
  const client = await connect()
  const head = await client.ask('HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(valuesOf(head, 'content-length'), ['5'])
  const none = await client.ask('GET /204 HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(valuesOf(none, 'content-length'), [])
  const same = await client.ask('GET /304 HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.is(same.status, 304)
  const plain = await client.ask('GET /200 HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.is(plain.body, '12345')
  assert.is(client.received, '')
})

test('answers 503 with the request id when the handler left no response', async () => {
  let id = ''
  await listen((exchange) => {
    id = exchange.id
  })
  const answer = await (await connect()).ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.is(answer.status, 503)
  assert.ok(answer.body.includes(id))
})

test('answers 500 without internals when the handler throws or rejects', async () => {
  await listen((exchange) => {
    if (exchange.request.path === '/sync') throw new Error('secret')
    return Promise.reject(new Error('secret'))
  })
  const client = await connect()
  for (const path of ['/sync', '/async']) {
    const answer = await client.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    assert.is(answer.status, 500)
    assert.not.ok(answer.body.includes('secret'))
  }
})

test('answers 500 for a response that no HTTP message can carry', async () => {
  await listen((exchange) => {
    const [, name = '', value = ''] = decodeURIComponent(exchange.request.query).split('=')
    exchange.response = new Response(
      exchange.request.path === '/status' ? 99 : 200,
      new Headers([name, value]),
      Body.text('x'),
    )
  })
  const client = await connect()
  for (const target of ['/status?=x=y', '/?=x=a%0ab', '/?=x%20y=a', '/?==a']) {
    const answer = await client.ask(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
    assert.is(answer.status, 500, target)
  }
})

test('streams a body with trailers in chunks, and by length when it is announced', async () => {
  await listen((exchange) => {
    const isKnown = exchange.request.path === '/known'
    const body = Body.stream(QUIET, isKnown ? 6 : -1)
    exchange.response = new Response(200, new Headers(['Content-Type', 'text/event-stream']), body)
    setImmediate(() => {
      body.push(Buffer.from('abc'))
      setImmediate(() => {
        body.push(Buffer.from('def'))
        body.end(['X-Sum', '6', 'Content-Length', '9'])
      })
    })
  })
  const client = await connect()
  const chunked = await client.ask('GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(valuesOf(chunked, 'transfer-encoding'), ['chunked'])
  assert.is(chunked.body, 'abcdef')
  assert.equal(chunked.trailers, ['X-Sum', '6'])
  const known = await client.ask('GET /known HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(valuesOf(known, 'content-length'), ['6'])
  assert.is(known.body, 'abcdef')
  const old = await connect()
  const answer = await old.ask('GET /chunked HTTP/1.0\r\nHost: a\r\n\r\n')
  assert.is(answer.body, 'abcdef')
  assert.equal(valuesOf(answer, 'transfer-encoding'), [])
})

test('sends the head of a stream before its first byte, and every chunk at once', async () => {
  const body = Body.stream(QUIET)
  await listen((exchange) => {
    exchange.response = new Response(200, new Headers(['X-A', '\xe9']), body)
  })
  const client = await connect()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.until(() => client.received.includes('\r\n\r\n'))
  assert.ok(client.received.includes('X-A: \xe9\r\n'))
  body.push(Buffer.from('data: 1\n\n'))
  await client.until(() => client.received.includes('data: 1'))
  body.push(Buffer.from('data: 2\n\n'))
  await client.until(() => client.received.includes('data: 2'))
  body.end()
  assert.is((await client.answer())?.body, 'data: 1\n\ndata: 2\n\n')
})

test('lets the client see that an answer broke off', async () => {
  await listen((exchange) => {
    const length = exchange.request.path === '/known' ? 10 : -1
    const body = Body.stream(QUIET, length)
    exchange.response = new Response(200, new Headers(), body)
    body.push(Buffer.from('abc'))
    setTimeout(() => body.fail(new Error('upstream died')), 10)
  })
  for (const request of ['GET /known HTTP/1.1', 'GET / HTTP/1.1', 'GET / HTTP/1.0']) {
    const client = await connect()
    client.write(`${request}\r\nHost: a\r\n\r\n`)
    await client.ended()
    assert.not.ok(client.received.includes('\r\n0\r\n'), request)
    if (request.endsWith('1.0')) assert.ok(client.error !== null, 'the connection was reset')
  }
})

test('gives the request body with its trailers, whole or in pieces', async () => {
  await listen(async (exchange) => {
    const { body } = exchange.request
    const announced = body.announcedLength
    const bytes = await body.collect()
    exchange.reply(200, `${announced} ${bytes.latin1Slice()} ${body.trailers ?? ''}`)
  })
  const client = await connect()
  const whole = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello')
  assert.is(whole.body, '5 hello ')
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n')
  await sleep(5)
  const chunked = await client.ask('2;x=y\r\nlo\r\n0\r\nX-Sum: 5\r\nHost: evil\r\n\r\n', 'POST')
  assert.is(chunked.body, '-1 hello X-Sum,5')
})

test('answers 100 before the body and only when there is one', async () => {
  await listen(async (exchange) => {
    const bytes = await exchange.request.body.collect()
    exchange.reply(200, bytes.latin1Slice())
  })
  const client = await connect()
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n'
  assert.is((await client.ask(`${head}Content-Length: 5\r\n\r\n`)).status, 100)
  assert.is((await client.ask('hello', 'POST')).body, 'hello')
  assert.is((await client.ask(`${head}Content-Length: 0\r\n\r\n`)).status, 200)
  const big = await client.ask(`${head}Content-Length: 999999999\r\n\r\n`)
  assert.is(big.status, 413)
})

test('refuses a body past the limit, announced or not, and stops what works on it', async () => {
  let failed: unknown = null
  let isAborted = false
  await listen(
    async (exchange) => {
      exchange.onAbort(() => {
        isAborted = true
      })
      try {
        await exchange.request.body.collect()
      } catch (error) {
        failed = error
      }
      exchange.reply(200, 'too late')
    },
    { maxBodyBytes: 10 },
  )
  const announced = await connect()
  const first = await announced.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n')
  assert.is(first.status, 413)
  await announced.ended()
  assert.is(failed, null)

  const streamed = await connect()
  const second = await streamed.ask(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n',
  )
  assert.is(second.status, 413)
  assert.equal(valuesOf(second, 'connection'), ['close'])
  await streamed.ended()
  assert.ok(isGatewayError(failed, 'REQUEST_BODY_TOO_LARGE'))
  assert.ok(isAborted)
})

test('lets a client read the refusal while it is still sending', async () => {
  await listen(hello, { maxBodyBytes: 1000 })
  const client = await connect()
  const chunk = 'x'.repeat(64 * 1024)
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${chunk.length * 16}\r\n\r\n`)
  for (let i = 0; i < 16; i++) client.write(chunk)
  const answer = await client.answer('POST')
  assert.is(answer?.status, 413)
  await client.ended()
  assert.is(client.error, null)
})

test('reads the next request after one whose body nobody wanted', async () => {
  await listen(hello)
  const client = await connect()
  const unread = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`
  assert.is((await client.ask(unread)).body, 'hello')
  const rest = 'x'.repeat(600)
  assert.is((await client.ask(`${rest}GET / HTTP/1.1\r\nHost: a\r\n\r\n`, 'GET')).body, 'hello')
})

test('stops reading a body that nobody takes', async () => {
  let exchange: Exchange | null = null
  await listen(
    (seen) => {
      exchange = seen
      return new Promise(() => undefined)
    },
    { maxBodyBytes: -1 },
  )
  const client = await connect()
  const size = 64 * 1024 * 1024
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
  const chunk = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < 64; i++) client.socket.write(chunk)
  // The kernel takes some megabytes; then nothing moves any more.
  let before = -1
  while (before !== client.socket.bytesWritten - client.socket.writableLength) {
    before = client.socket.bytesWritten - client.socket.writableLength
    await sleep(100)
  }
  assert.ok(before < 16 * 1024 * 1024, `${before} bytes were taken`)
  assert.ok(exchange !== null)
})

test('answers 408 when a body does not go on', async () => {
  await listen(
    async (exchange) => {
      await exchange.request.body.collect()
    },
    { bodyIdleTimeoutMs: 50 },
  )
  const client = await connect()
  const answer = await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
  assert.is(answer.status, 408)
  await client.ended()
})

test('answers 408 when a head does not go on', async () => {
  await listen(hello, { headerTimeoutMs: 300 })
  const client = await connect()
  const startedAtMs = Date.now()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n')
  assert.is((await client.answer())?.status, 408)
  const tookMs = Date.now() - startedAtMs
  assert.ok(tookMs >= 300 && tookMs < 1_500, `${tookMs} ms`)
})

test('tells the exchange when the client leaves, and ends it once', async () => {
  const ends: ExchangeEnd[] = []
  let aborted = 0
  let finishHandler: () => void = () => undefined
  await listen((exchange) => {
    exchange.onAbort(() => {
      aborted += 1
    })
    exchange.onDone((end) => ends.push(end))
    return new Promise<void>((resolve) => {
      finishHandler = resolve
    })
  })
  const client = await connect()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  while (server.connections === 0) await sleep(1)
  await sleep(20)
  client.close()
  while (aborted === 0) await sleep(1)
  await sleep(20)
  assert.equal(ends, [], 'what the handler holds is kept until it is done')
  finishHandler()
  while (ends.length === 0) await sleep(1)
  await sleep(20)
  assert.is(aborted, 1)
  assert.is(ends.length, 1)
  assert.is(ends[0]?.isComplete, false)
})

test('reports status, bytes and duration when the last byte is out', async () => {
  const ends: ExchangeEnd[] = []
  await listen((exchange) => {
    exchange.onDone((end) => ends.push(end))
    const body = Body.stream(QUIET)
    exchange.response =
      exchange.request.path === '/whole'
        ? Response.text(200, 'hello')
        : new Response(202, new Headers(), body)
    body.push(Buffer.from('abc'))
    setTimeout(() => body.end(), 10)
  })
  const client = await connect()
  await client.ask('GET /whole HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.ask('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n')
  while (ends.length < 2) await sleep(1)
  const [whole, stream] = ends
  assert.equal([whole?.status, whole?.sentBytes, whole?.isComplete], [200, 5, true])
  assert.equal([stream?.status, stream?.sentBytes, stream?.isComplete], [202, 3, true])
  assert.ok((stream?.durationMs ?? 0) >= 9)
})

test('drains: refuses new connections, closes idle ones, lets running requests end', async () => {
  let finish: () => void = () => undefined
  await listen((exchange) => {
    exchange.reply(200, 'done')
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  })
  const idle = await connect()
  const fresh = await connect()
  idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await sleep(20)
  finish()
  await idle.answer()
  const busy = await connect()
  busy.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await sleep(20)
  const { port } = server
  const closed = server.close(5_000)
  assert.is(server.close(5_000), closed)
  await Promise.all([idle.ended(), fresh.ended()])
  const refused = await WireClient.open(port).catch((error: NodeJS.ErrnoException) => error.code)
  assert.is(refused, 'ECONNREFUSED')
  finish()
  const answer = await busy.answer()
  assert.is(answer?.body, 'done')
  assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
  await closed
  assert.is(server.connections, 0)
})

test('cuts what is left when the time to drain is over', async () => {
  await listen(() => new Promise(() => undefined))
  const client = await connect()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await sleep(20)
  await server.close(50)
  await client.ended()
})

test('closes after each answer when keep-alive is off, also when it is turned off later', async () => {
  await listen(hello)
  const client = await connect()
  await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  server.update({ ...LIMITS, keepAlive: false })
  const answer = await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal(valuesOf(answer, 'connection'), ['close'])
  await client.ended()
})

test('closes connections that are idle for too long, and only those', async () => {
  await listen((exchange) => sleep(150).then(() => void exchange.reply(200, 'ok')), {
    keepAliveTimeoutMs: 80,
  })
  const client = await connect()
  await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.is(client.hasEnded, false, 'a request that takes long is not idle')
  const startedAtMs = performance.now()
  await client.ended()
  const tookMs = performance.now() - startedAtMs
  assert.ok(tookMs >= 60 && tookMs < 500, `${tookMs} ms`)
  server.update({ ...LIMITS, keepAliveTimeoutMs: 20 })
  const other = await connect()
  await other.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await other.ended()
})

test('answers nothing after a request that closes the connection', async () => {
  let seen = 0
  await listen((exchange) => {
    seen += 1
    return sleep(20).then(() => void exchange.reply(200, 'only one'))
  })
  const client = await connect()
  client.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /smug HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  assert.is((await client.answer())?.body, 'only one')
  await client.ended()
  assert.is(client.received, '')
  assert.is(seen, 1)
})

test('answers a complete request before it closes for the nonsense behind it', async () => {
  await listen((exchange) => sleep(20).then(() => void exchange.reply(200, 'fine')))
  const client = await connect()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n\0\0nonsense\r\n\r\n')
  assert.is((await client.answer())?.body, 'fine')
  await client.ended()
  assert.is(client.received, '')
})

test('answers OPTIONS * by itself and refuses CONNECT', async () => {
  let seen = 0
  await listen((exchange) => {
    seen += 1
    hello(exchange)
  })
  const client = await connect()
  assert.is((await client.ask('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')).status, 204)
  const tunnel = await connect()
  assert.is((await tunnel.ask('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 'GET')).status, 405)
  await tunnel.ended()
  assert.is(seen, 0)
})

test('counts connections and refuses those past the limit', async () => {
  await listen(hello, { maxConnections: 2 })
  const [first, second] = [await connect(), await connect()]
  await first.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await second.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const third = await connect()
  await third.ended()
  assert.is(server.connections, 2)
})

test('fails with LISTEN when the port is taken', async () => {
  await listen(hello)
  const taken = { name: 'b', address: '127.0.0.1', port: server.port, limits: LIMITS }
  const error = await nodeEngine.listen(taken, hello).catch((thrown: unknown) => thrown)
  assert.ok(isGatewayError(error, 'LISTEN'))
})
