import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { isGatewayError } from '../../../host/errors.ts'
import type { HttpClient, HttpServer } from '../../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import { forwardRequestFields } from '../../../host/http/forward.ts'
import { answerOf } from '../../../host/http/promised-answer.ts'
import { until } from '../../support/gateway.ts'
import { authority } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'
import { listenSecure } from '../tls/listener.ts'
import { type SeenRequest, startUpstream, type Upstream, valuesOf } from '../wire.ts'
import { block, DATA, END_HEADERS, END_STREAM, FrameClient, frame, get, HEADERS } from './frames.ts'

/** HTTP/2 in, HTTP/1.1 out: what an upstream gets to see. */
for (const engine of HTTP_ENGINES) {
  const test = suite(`http/h2/downgrade/${engine.name}`)
  let upstream: Upstream
  let server: HttpServer
  let client: HttpClient
  let session: ClientHttp2Session

  async function start(
    onRequest: (socket: Socket, request: SeenRequest) => void = answerOk,
  ): Promise<void> {
    upstream = await startUpstream(onRequest)
    client = engine.createClient({
      origin: upstream.origin,
      connectTimeoutMs: 5_000,
      maxConnections: 8,
    })
    server = await listenSecure(engine, (exchange) => {
      const { method, target, host, body } = exchange.request
      const headers = forwardRequestFields(exchange.request)
      return answerOf(client, { method, target, host, headers, body }, 10_000, exchange).then(
        (response) => {
          exchange.response = response
        },
        (error: unknown) => {
          exchange.reply(isGatewayError(error) ? error.status : 500, 'failed')
        },
      )
    })
    session = connect(`https://localhost:${server.port}`, { ca: authority('ca') })
    session.on('error', () => session.destroy())
  }

  test.after.each(async () => {
    session.destroy()
    await server.close(0)
    await client.close()
    await upstream.close()
  })

  test('T51: an upstream gets one Cookie, one Host, and who the client is', async () => {
    await start()
    await statusOf(session.request({ ':path': '/a', cookie: ['a=1', 'b=2'], 'x-one': '1' }))
    const [request] = upstream.seen
    assert.ok(request !== undefined)
    assert.is(request.line, 'GET /a HTTP/1.1')
    assert.equal(valuesOf(request, 'cookie'), ['a=1; b=2'])
    assert.equal(valuesOf(request, 'host'), [`localhost:${server.port}`])
    assert.equal(valuesOf(request, 'x-forwarded-proto'), ['https'])
    assert.equal(valuesOf(request, 'x-forwarded-for'), ['127.0.0.1'])
    assert.equal(valuesOf(request, 'transfer-encoding'), [])
  })

  test('T59: a body without a length goes on in chunks, and no length is invented', async () => {
    await start()
    const request = session.request({ ':method': 'POST' })
    const answered = statusOf(request)
    request.write('one ')
    // Both together would be a whole body, which has a length.
    await until(() => upstream.sockets.size === 1, 'the request is on its way')
    request.end('two')
    assert.is(await answered, 200)
    const [seen] = upstream.seen
    assert.ok(seen !== undefined)
    assert.equal(valuesOf(seen, 'transfer-encoding'), ['chunked'])
    assert.equal(valuesOf(seen, 'content-length'), [])
    assert.is(seen.body, 'one two')
  })

  test('a body with a length goes on with it', async () => {
    await start()
    const request = session.request({ ':method': 'POST', 'content-length': '5' })
    request.end('hello')
    assert.is(await statusOf(request), 200)
    const [seen] = upstream.seen
    assert.ok(seen !== undefined)
    assert.equal(valuesOf(seen, 'content-length'), ['5'])
    assert.is(seen.body, 'hello')
  })

  test('T46: a body shorter than it said ends the request at the upstream, and its connection', async () => {
    await start()
    const raw = await FrameClient.open(server.port)
    const fields = get({ ':method': 'POST' }, [['content-length', '100000']])
    raw.send(frame(HEADERS, END_HEADERS, 1, block(fields)))
    raw.send(frame(DATA, 0, 1, Buffer.alloc(10_000)))
    await until(() => upstream.sockets.size === 1, 'the request is on its way')
    raw.send(frame(DATA, END_STREAM, 1, Buffer.from('x')))
    assert.is(await raw.outcome(), 'reset PROTOCOL_ERROR')
    await until(() => upstream.sockets.size === 0, 'the connection to the upstream is gone')
    assert.is(upstream.seen.length, 0)
    raw.close()
  })

  test('T33: a value with CR and LF makes no second line at an upstream', async () => {
    await start()
    const raw = await FrameClient.open(server.port)
    await raw.head(1, get({}, [['x-bad', 'a\r\nx-injected: 1']])).outcome()
    assert.is(upstream.seen.length, 1)
    for (const request of upstream.seen) {
      assert.equal(valuesOf(request, 'x-injected'), [])
      assert.equal(valuesOf(request, 'x-bad'), [])
    }
    raw.close()
  })

  test('a client that resets its request ends it at the upstream', async () => {
    await start(() => undefined)
    const request = session.request()
    request.on('error', () => undefined)
    await until(() => upstream.seen.length === 1, 'the upstream has the request')
    request.close(constants.NGHTTP2_CANCEL)
    await until(() => upstream.sockets.size === 0, 'the connection to the upstream is gone')
  })

  test('an answer that breaks off at the upstream is reset', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
      setTimeout(() => socket.destroy(), 20)
    })
    const request = session.request()
    request.resume()
    const code = await new Promise<number>((resolve) => {
      request.on('error', () => undefined)
      request.on('close', () => resolve(request.rstCode))
    })
    assert.is(code, constants.NGHTTP2_INTERNAL_ERROR)
  })

  test('trailers of an upstream reach the client', async () => {
    await start((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n',
      )
    })
    const request = session.request()
    let sum: unknown
    request.on('trailers', (fields) => {
      sum = fields['x-sum']
    })
    assert.is(await statusOf(request), 200)
    assert.is(sum, '42')
  })
}

function answerOk(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
}

function statusOf(request: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0
    request.on('response', (fields) => {
      status = Number(fields[':status'])
    })
    request.on('error', reject)
    request.on('close', () => resolve(status))
    request.resume()
  })
}
