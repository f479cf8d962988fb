import { once } from 'node:events'
import {
  constants,
  createSecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:tls'
import { isGatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import { Exchange } from '../../../host/exchange/exchange.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import type { Response } from '../../../host/exchange/response.ts'
import type { HttpClient, UpstreamRequest } from '../../../host/http/engine.ts'
import { nativeEngine } from '../../../host/http/native/engine.ts'
import { answerOf } from '../../../host/http/promised-answer.ts'
import { DEFAULT_UPSTREAM_TLS, UpstreamTls } from '../../../host/http/tls/upstream-tls.ts'
import { until } from '../../support/gateway.ts'
import { authority, pair } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'

type OnStream = (stream: ServerHttp2Stream, fields: Readonly<Record<string, unknown>>) => void

const test = suite('http/h2/upstream')
let server: Server
let client: HttpClient
let sessions: ServerHttp2Session[] = []

async function start(onStream: OnStream, options: object = {}): Promise<void> {
  const http2 = createSecureServer({ ...pair('localhost'), ...options })
  server = http2
  http2.on('session', (session) => {
    sessions.push(session)
    session.on('error', () => session.destroy())
  })
  http2.on('stream', (stream, fields) => {
    stream.on('error', () => undefined)
    onStream(stream as ServerHttp2Stream, fields as Readonly<Record<string, unknown>>)
  })
  await listen()
}

async function listen(): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = nativeEngine.createClient({
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    connectTimeoutMs: 5_000,
    maxConnections: 4,
    tls: new UpstreamTls({ ...DEFAULT_UPSTREAM_TLS, ca: authority('ca'), http2: true }),
  })
}

function send(
  request: Partial<UpstreamRequest> = {},
  timeoutMs = 10_000,
  exchange: Exchange | null = null,
): Promise<Response> {
  const plain = { method: 'GET', target: '/', host: 'up.example', headers: [], body: Body.none }
  return answerOf(client, { ...plain, ...request }, timeoutMs, exchange)
}

async function textOf(response: Response): Promise<string> {
  return (await response.body.collect()).toString()
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'none'
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error)
  }
}

test.after.each(async () => {
  await client.close()
  for (const session of sessions) session.destroy()
  sessions = []
  server.close()
})

test('sends requests over one connection, many at once', async () => {
  await start((stream, fields) => {
    stream.respond({ ':status': 200, 'x-seen': `${fields[':authority']}${fields[':path']}` })
    setTimeout(() => stream.end('hello'), 10)
  })
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => send({ target: `/${i}?q`, headers: ['X-A', 'b'] })),
  )
  for (const [i, answer] of answers.entries()) {
    assert.is(answer.status, 200)
    assert.is(answer.headers.get('x-seen'), `up.example/${i}?q`)
    assert.is(await textOf(answer), 'hello')
  }
  assert.is(sessions.length, 1)
})

test('streams a body to the upstream and back, with trailers', async () => {
  await start((stream, fields) => {
    assert.is(fields['connection'], undefined)
    stream.respond({ ':status': 201 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }))
    stream.pipe(stream)
  })
  const body = Body.stream({
    pause: () => undefined,
    resume: () => undefined,
    cancel: () => undefined,
  })
  const pending = send({ method: 'POST', body, headers: ['Connection', 'close'] })
  body.push(Buffer.from('one '))
  const answer = await pending
  body.push(Buffer.from('two'))
  body.end()
  assert.is(answer.status, 201)
  assert.is(await textOf(answer), 'one two')
  assert.equal(answer.body.trailers, ['x-end', 'yes'])
})

test('a whole body goes with its length', async () => {
  let length: unknown
  await start((stream, fields) => {
    length = fields['content-length']
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const text = 'x'.repeat(200_000)
  const answer = await send({ method: 'PUT', body: Body.text(text) })
  assert.is((await textOf(answer)).length, text.length)
  assert.is(length, '200000')
})

test('an upstream that does not choose HTTP/2 is spoken to in HTTP/1.1', async () => {
  server = createHttpsServer(pair('localhost'), (incoming, outgoing) => {
    outgoing.end(`version ${incoming.httpVersion}`)
  })
  await listen()
  assert.is(await textOf(await send()), 'version 1.1')
  assert.is(await textOf(await send()), 'version 1.1')
})

test('an answer that does not come in time is a timeout, and its stream is reset', async () => {
  let code = -1
  await start((stream) =>
    stream.on('close', () => {
      code = stream.rstCode ?? -1
    }),
  )
  assert.is(await codeOf(send({}, 300)), 'UPSTREAM_TIMEOUT')
  await until(() => code === constants.NGHTTP2_CANCEL, 'the stream is reset')
})

test('a client that leaves resets its stream', async () => {
  let isReset = false
  let isThere = false
  await start((stream) => {
    isThere = true
    stream.on('aborted', () => {
      isReset = true
    })
  })
  const exchange = new Exchange(makeRequest({}), 'server', 0)
  const code = codeOf(send({}, 10_000, exchange))
  await until(() => isThere, 'the request is there')
  exchange.abort()
  assert.is(await code, 'UPSTREAM_ABORTED')
  await until(() => isReset, 'the stream is reset')
})

test('an answer that is reset never looks whole', async () => {
  await start((stream) => {
    // Without this Node's server ends the stream before it resets it.
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => undefined)
    stream.write('half')
    setTimeout(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 20)
  })
  assert.is(await codeOf(send().then(textOf)), 'UPSTREAM_INVALID')
})

test('what the upstream has not looked at is sent once more, whatever its method', async () => {
  let count = 0
  await start((stream) => {
    count += 1
    if (count === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM)
    else {
      stream.respond({ ':status': 200 })
      stream.end('second')
    }
  })
  assert.is(await textOf(await send({ method: 'POST', body: Body.text('x') })), 'second')
  assert.is(count, 2)
})

test('U48: after GOAWAY streams that were taken finish, and new ones get a new connection', async () => {
  let finish: () => void = () => undefined
  await start((stream, fields) => {
    if (fields[':path'] !== '/slow') {
      stream.respond({ ':status': 200 })
      stream.end('quick')
      return
    }
    finish = () => {
      stream.respond({ ':status': 200 })
      stream.end('slow')
    }
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id ?? 0)
  })
  const slow = send({ target: '/slow' })
  await until(() => sessions.length === 1, 'the first connection is there')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.is(await textOf(await send()), 'quick')
  assert.is(sessions.length, 2)
  finish()
  assert.is(await textOf(await slow), 'slow')
})

test('a connection that is cut fails what is under way, and the next request gets a new one', async () => {
  let isFirst = true
  await start((stream) => {
    if (isFirst) {
      isFirst = false
      stream.session?.socket.destroy()
      return
    }
    stream.respond({ ':status': 200 })
    stream.end('again')
  })
  assert.match(await codeOf(send()), /^UPSTREAM_/)
  assert.is(await textOf(await send()), 'again')
})

test('a certificate that nobody trusts is refused, and says why', async () => {
  await start(() => undefined, pair('stranger'))
  const error = await send().then(
    () => null,
    (refused: unknown) => refused,
  )
  assert.ok(isGatewayError(error) && error.code === 'UPSTREAM_CONNECT')
  assert.match(String(error), 'not signed by an authority that is trusted here')
})

test('a request that cannot be sent is refused, and the connection goes on', async () => {
  await start((stream) => {
    stream.respond({ ':status': 200 })
    stream.end('ok')
  })
  assert.is(await textOf(await send()), 'ok')
  assert.is(await codeOf(send({ target: '/a b' })), 'REQUEST_INVALID')
  assert.is(await codeOf(send({ headers: ['x', 'a\r\nb'] })), 'REQUEST_INVALID')
  const twice = ['Authorization', 'a', 'authorization', 'b']
  assert.is(await codeOf(send({ headers: twice })), 'REQUEST_INVALID')
  assert.is(await textOf(await send()), 'ok')
  assert.is(sessions.length, 1)
})
