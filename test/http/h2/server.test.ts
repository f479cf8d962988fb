import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { Body } from '../../../host/exchange/body.ts'
import type { Exchange, ExchangeEnd } from '../../../host/exchange/exchange.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import type { ExchangeHandler, HttpServer, ServerLimits } from '../../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import { Overload } from '../../../host/http/overload/overload.ts'
import { until } from '../../support/gateway.ts'
import { authority, pair } from '../../support/pki.ts'
import { assert, suite } from '../../support/suite.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { connectSecure, listenSecure, tellConnection, tlsOf } from '../tls/listener.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly trailers: Readonly<Record<string, unknown>>
}

for (const engine of HTTP_ENGINES) {
  const test = suite(`http/h2/server/${engine.name}`)
  let server: HttpServer
  const sessions: ClientHttp2Session[] = []

  async function listen(
    handler: ExchangeHandler,
    limits: Partial<ServerLimits> = {},
  ): Promise<void> {
    server = await listenSecure(engine, handler, tlsOf(), limits)
  }

  function open(): ClientHttp2Session {
    const session = connect(`https://localhost:${server.port}`, { ca: authority('ca') })
    session.on('error', () => session.destroy())
    sessions.push(session)
    return session
  }

  test.after.each(async () => {
    for (const session of sessions.splice(0)) session.destroy()
    await server.close(0)
  })

  test('serves requests over HTTP/2 like any other, many at once over one connection', async () => {
    await listen(tellConnection)
    const session = open()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => answerOf(session.request({ ':path': '/a?b' }))),
    )
    for (const answer of answers) {
      assert.is(answer.status, 200)
      assert.is(answer.body, 'https 2 ')
      assert.is(answer.headers['content-length'], '8')
      assert.ok(answer.headers['date'])
    }
    assert.is(server.connections, 1)
  })

  test('the exchange knows the certificate of a client over HTTP/2 too', async () => {
    server = await listenSecure(
      engine,
      tellConnection,
      tlsOf(['localhost'], { clientCa: authority('ca') }),
    )
    const session = connect(`https://localhost:${server.port}`, {
      ca: authority('ca'),
      ...pair('client'),
    })
    sessions.push(session)
    assert.is((await answerOf(session.request())).body, 'https 2 alice')
  })

  test('hands on method, target, host, fields and body; cookies in one field', async () => {
    let seen = ''
    let list: readonly string[] = []
    await listen(async (exchange) => {
      const { request } = exchange
      const body = await request.body.collect()
      seen = `${request.method} ${request.target} ${request.host} ${body.toString()}`
      list = request.headers.list
      exchange.reply(201, 'made')
    })
    const request = open().request({
      ':method': 'POST',
      ':path': '/x%41/../y?q=1',
      'x-one': 'ä',
      te: 'trailers',
      cookie: ['a=1', 'b=2'],
    })
    request.end('hello')
    assert.is((await answerOf(request)).status, 201)
    assert.is(seen, `POST /y?q=1 localhost:${server.port} hello`)
    assert.equal(new Headers([...list]).get('cookie'), 'a=1; b=2')
    assert.equal(new Headers([...list]).get('x-one'), 'ä')
    assert.not(new Headers([...list]).has('te'))
  })

  test('streams both ways, with trailers both ways', async () => {
    let seen: string[] | null = null
    await listen((exchange) => {
      const { body } = exchange.request
      const echo = Body.stream({
        pause: () => body,
        resume: () => body.resume(),
        cancel: () => undefined,
      })
      exchange.response = new Response(200, new Headers(), echo)
      body.pipe({
        write: (chunk) => {
          echo.push(chunk)
          return true
        },
        end: (trailers) => {
          seen = trailers
          echo.end(['X-Sum', '42', 'Content-Length', '9'])
        },
        fail: (error) => echo.fail(error),
      })
    })
    const request = open().request({ ':method': 'POST' }, { waitForTrailers: true })
    request.on('wantTrailers', () => request.sendTrailers({ 'x-end': 'yes' }))
    const answered = answerOf(request)
    request.write('one ')
    await once(request, 'data')
    request.end('two')
    const answer = await answered
    assert.is(answer.body, 'one two')
    assert.equal(seen, ['x-end', 'yes'])
    assert.equal(answer.trailers['x-sum'], '42')
    assert.is(answer.trailers['content-length'], undefined)
  })

  test('HEAD, 204 and an empty body end with their fields', async () => {
    await listen((exchange) => {
      if (exchange.request.path === '/none') exchange.response = new Response(204)
      else if (exchange.request.path === '/empty') exchange.response = new Response(200)
      else exchange.reply(200, 'hello')
    })
    const session = open()
    const head = await answerOf(session.request({ ':method': 'HEAD' }))
    assert.is(head.headers['content-length'], '5')
    assert.is(head.body, '')
    const none = await answerOf(session.request({ ':path': '/none' }))
    assert.is(none.status, 204)
    assert.is(none.headers['content-length'], undefined)
    const empty = await answerOf(session.request({ ':path': '/empty' }))
    assert.is(empty.headers['content-length'], '0')
  })

  test('an answer loses what belongs to a connection, and keeps repeated fields', async () => {
    await listen((exchange) => {
      exchange.response = new Response(
        200,
        new Headers([
          'Connection',
          'X-Gone',
          'X-Gone',
          '1',
          'Keep-Alive',
          'x',
          'Set-Cookie',
          'a',
          'Set-Cookie',
          'b',
          'X-Stays',
          'ä',
        ]),
      )
    })
    const { headers } = await answerOf(open().request())
    assert.is(headers['connection'], undefined)
    assert.is(headers['x-gone'], undefined)
    assert.is(headers['keep-alive'], undefined)
    assert.equal(headers['set-cookie'], ['a', 'b'])
    assert.is(headers['x-stays'], 'ä')
  })

  test('an answer that no message may carry becomes a 500', async () => {
    await listen((exchange) => {
      exchange.response = new Response(200, new Headers(['x', 'a\r\nb: c']))
    })
    assert.is((await answerOf(open().request())).status, 500)
  })

  test('a handler that throws is a 500 without internals', async () => {
    await listen(() => {
      throw new Error('secret')
    })
    const answer = await answerOf(open().request())
    assert.is(answer.status, 500)
    assert.not.match(answer.body, 'secret')
  })

  test('a client that resets its request aborts the exchange, and others go on', async () => {
    const ends: ExchangeEnd[] = []
    let aborted = 0
    await listen((exchange) => {
      if (exchange.request.path === '/ok') {
        exchange.reply(200, 'ok')
        return
      }
      exchange.onDone((end) => ends.push(end))
      return new Promise((resolve) => {
        exchange.onAbort(() => {
          aborted += 1
          resolve()
        })
      })
    })
    const session = open()
    const request = session.request({ ':path': '/slow' })
    request.on('error', () => undefined)
    await until(() => server.connections === 1, 'the session is there')
    assert.is((await answerOf(session.request({ ':path': '/ok' }))).status, 200)
    request.close(constants.NGHTTP2_CANCEL)
    await until(() => ends.length === 1, 'the exchange has ended')
    assert.is(aborted, 1)
    assert.is(ends[0]?.isComplete, false)
    assert.is((await answerOf(session.request({ ':path': '/ok' }))).status, 200)
  })

  test('an answer that breaks off is reset, never ended', async () => {
    await listen((exchange) => {
      const body = Body.stream({
        pause: () => undefined,
        resume: () => undefined,
        cancel: () => undefined,
      })
      exchange.response = new Response(200, new Headers(), body)
      body.push(Buffer.from('half'))
      setTimeout(() => body.fail(new Error('gone')), 20)
    })
    const request = open().request()
    const [error] = await failureOf(request)
    assert.match(String(error), 'NGHTTP2_INTERNAL_ERROR')
  })

  test('an answer that is longer or shorter than it said is reset', async () => {
    for (const text of ['too long for it', 'x']) {
      await listen((exchange) => {
        const body = Body.stream(
          { pause: () => undefined, resume: () => undefined, cancel: () => undefined },
          5,
        )
        exchange.response = new Response(200, new Headers(), body)
        setTimeout(() => {
          body.push(Buffer.from(text))
          body.end()
        }, 5)
      })
      const [error] = await failureOf(open().request())
      assert.match(String(error), 'NGHTTP2_INTERNAL_ERROR')
      await server.close(0)
    }
  })

  test('a body past its limit is answered with 413, announced or not', async () => {
    await listen(
      async (exchange) => {
        await exchange.request.body.collect()
        exchange.reply(200, 'ok')
      },
      { maxBodyBytes: 1_000 },
    )
    const session = open()
    const announced = session.request({ ':method': 'POST', 'content-length': '2000' })
    assert.is((await answerOf(announced)).status, 413)
    const counted = session.request({ ':method': 'POST' })
    counted.write('x'.repeat(2_000))
    assert.is((await answerOf(counted)).status, 413)
    const fits = session.request({ ':method': 'POST' })
    fits.end('x'.repeat(1_000))
    assert.is((await answerOf(fits)).status, 200)
  })

  test('a client that reads slowly holds back who sends, and gets all of it', async () => {
    let pauses = 0
    const piece = Buffer.alloc(64 * 1024, 'x')
    const pieces = 64
    await listen((exchange) => {
      let left = pieces
      let isPaused = false
      const body = Body.stream({
        pause: () => {
          pauses += 1
          isPaused = true
        },
        resume: () => {
          isPaused = false
          push()
        },
        cancel: () => undefined,
      })
      const push = (): void => {
        while (!isPaused && left > 0) {
          left -= 1
          body.push(piece)
        }
        if (left === 0) body.end()
      }
      exchange.response = new Response(200, new Headers(), body)
      push()
    })
    const request = open().request()
    await once(request, 'response')
    let received = 0
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    await once(request, 'end')
    assert.is(received, pieces * piece.length)
    assert.ok(pauses > 4, `${pauses} pauses`)
  })

  test('a consumer that is full holds the client back', async () => {
    let body: Body | null = null
    let taken = 0
    await listen(async (exchange) => {
      body = exchange.request.body
      await new Promise<void>((resolve) => {
        body?.pipe({
          write: (chunk) => {
            taken += chunk.length
            return false
          },
          end: () => resolve(),
          fail: () => resolve(),
        })
      })
      exchange.reply(200, String(taken))
    })
    const request = open().request({ ':method': 'POST' })
    const total = 1_000_000
    const answered = answerOf(request)
    request.end(Buffer.alloc(total))
    await until(() => taken > 0, 'the first bytes are here')
    const held = taken
    assert.ok(held < total / 2, `${held} bytes were taken without being asked for`)
    while (taken < total) {
      const before = taken
      ;(body as Body | null)?.resume()
      await until(() => taken > before || taken === total, 'more bytes are here')
    }
    assert.is((await answered).body, String(total))
  })

  test('a whole body larger than the window arrives', async () => {
    const text = 'abcdefgh'.repeat(100_000)
    await listen((exchange) => {
      exchange.response = new Response(200, new Headers(), Body.bytes(Buffer.from(text)))
    })
    const answer = await answerOf(open().request())
    assert.is(answer.headers['content-length'], String(text.length))
    assert.ok(answer.body === text)
  })

  test('100-continue is sent once the handler has to wait', async () => {
    await listen(async (exchange) => {
      exchange.reply(200, (await exchange.request.body.collect()).toString())
    })
    const request = open().request({ ':method': 'POST', expect: '100-continue' })
    const answered = answerOf(request)
    await once(request, 'continue')
    request.end('body')
    assert.is((await answered).body, 'body')
  })

  test('OPTIONS * is answered here', async () => {
    await listen(() => {
      throw new Error('must not be asked')
    })
    const answer = await answerOf(
      open().request({ ':method': 'OPTIONS', ':path': '*' }, { endStream: true }),
    )
    assert.is(answer.status, 204)
    assert.match(String(answer.headers['allow']), 'GET')
  })

  test('T60: bodies that drip are answered 408 each, and other requests go on', async () => {
    await listen(
      async (exchange) => {
        if (exchange.request.method === 'POST') await exchange.request.body.collect()
        exchange.reply(200, 'ok')
      },
      { bodyIdleTimeoutMs: 500, minBodyRate: 1_000 },
    )
    const session = open()
    const slow = Array.from({ length: 20 }, () => session.request({ ':method': 'POST' }))
    const timer = setInterval(() => {
      for (const request of slow) if (!request.destroyed && request.writable) request.write('x')
    }, 50)
    try {
      const answers = slow.map((request) => answerOf(request))
      assert.is((await answerOf(session.request())).status, 200)
      for (const answer of await Promise.all(answers)) assert.is(answer.status, 408)
      assert.is((await answerOf(session.request())).status, 200)
    } finally {
      clearInterval(timer)
    }
  })

  test('a handler past its time is answered with 504', async () => {
    await listen((exchange) => new Promise((resolve) => exchange.onAbort(() => resolve())), {
      requestTimeoutMs: 300,
    })
    assert.is((await answerOf(open().request())).status, 504)
  })

  test('T20: a client that opens no window is cut off, and holds little meanwhile', async () => {
    let produced = 0
    const piece = Buffer.alloc(32 * 1024)
    await listen(
      (exchange) => {
        let left = 32
        let isPaused = false
        const push = (): void => {
          while (!isPaused && left > 0) {
            left -= 1
            produced += piece.length
            body.push(piece)
          }
          if (left === 0) body.end()
        }
        const body: Body = Body.stream({
          pause: () => {
            isPaused = true
          },
          resume: () => {
            isPaused = false
            push()
          },
          cancel: () => undefined,
        })
        exchange.response = new Response(200, new Headers(), body)
        push()
      },
      { writeIdleTimeoutMs: 3_000 },
    )
    const session = connect(`https://localhost:${server.port}`, {
      ca: authority('ca'),
      settings: { initialWindowSize: 0 },
    })
    session.on('error', () => session.destroy())
    sessions.push(session)
    const requests = Array.from({ length: 100 }, () => session.request())
    for (const request of requests) request.on('error', () => undefined)
    await once(requests[99] as ClientHttp2Stream, 'response')
    assert.ok(produced <= 100 * 128 * 1024, `${produced} bytes`)
    await once(session, 'close')
    await until(() => server.connections === 0, 'the connection is gone')
  })

  test('an idle connection is told to go and closed', async () => {
    await listen(tellConnection, { keepAliveTimeoutMs: 300 })
    const session = open()
    await answerOf(session.request())
    await once(session, 'goaway')
    await until(() => server.connections === 0, 'the connection is gone')
  })

  test('a client that never says that it speaks HTTP/2 is cut off', async () => {
    await listen(tellConnection, { headerTimeoutMs: 300 })
    const socket = await connectSecure(server.port, { ALPNProtocols: ['h2'] })
    socket.resume()
    await once(socket, 'close')
    assert.is(server.connections, 0)
  })

  test('after its last request a connection goes away, and none is lost', async () => {
    await listen(tellConnection, { maxRequestsPerConnection: 3 })
    const session = open()
    const answers = await Promise.all([1, 2, 3].map(() => answerOf(session.request())))
    for (const answer of answers) assert.is(answer.status, 200)
    if (!session.closed) await once(session, 'goaway')
    await until(() => server.connections === 0, 'the connection is gone')
  })

  test('with too much to do a request is answered 503 and the connection told to go', async () => {
    const sample = { loopDelayMs: 0, memoryRatio: 0 }
    const overload = new Overload({ sample: () => sample })
    server = await engine.listen(
      { name: 'main', address: '127.0.0.1', port: 0, limits: LIMITS, tls: tlsOf(), overload },
      tellConnection,
    )
    const session = open()
    assert.is((await answerOf(session.request())).status, 200)
    sample.loopDelayMs = 400
    overload.look(0)
    const told = once(session, 'goaway')
    const answer = await answerOf(session.request())
    assert.is(answer.status, 503)
    assert.is(answer.headers['retry-after'], '1')
    assert.is(overload.shed, 1)
    await told
  })

  test('a closing listener sends GOAWAY, and what is under way ends', async () => {
    let finish: () => void = () => undefined
    let isWaiting = false
    await listen(async (exchange) => {
      isWaiting = true
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      exchange.reply(200, 'done')
    })
    const session = open()
    const answered = answerOf(session.request())
    await until(() => isWaiting, 'the request is there')
    const told = once(session, 'goaway')
    const closed = server.close(10_000)
    const [code] = await told
    assert.is(code, constants.NGHTTP2_NO_ERROR)
    finish()
    assert.is((await answered).body, 'done')
    await closed
  })

  test('what is under way past the grace time is cut', async () => {
    const ends: ExchangeEnd[] = []
    await listen((exchange: Exchange) => {
      exchange.onDone((end) => ends.push(end))
      return new Promise((resolve) => exchange.onAbort(() => resolve()))
    })
    const request = open().request()
    request.on('error', () => undefined)
    await until(() => server.connections === 1, 'the session is there')
    await new Promise((resolve) => setTimeout(resolve, 50))
    await server.close(50)
    await until(() => ends.length === 1, 'the exchange has ended')
  })
}

async function answerOf(request: ClientHttp2Stream): Promise<Answer> {
  let trailers: Readonly<Record<string, unknown>> = {}
  const chunks: Buffer[] = []
  request.on('trailers', (fields) => {
    trailers = fields
  })
  return await new Promise((resolve, reject) => {
    let head: Readonly<Record<string, unknown>> = {}
    let isEnded = false
    const finish = (): void =>
      resolve({
        status: Number(head[':status']),
        headers: head,
        body: Buffer.concat(chunks).toString(),
        trailers,
      })
    request.on('response', (fields) => {
      head = fields
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      isEnded = true
      finish()
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!isEnded) reject(new Error(`closed with ${request.rstCode}`))
    })
  })
}

async function failureOf(request: ClientHttp2Stream): Promise<unknown[]> {
  request.resume()
  return await once(request, 'error')
}
