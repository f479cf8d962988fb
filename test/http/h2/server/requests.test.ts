import { once } from 'node:events'
import { constants } from 'node:http2'
import { Body } from '../../../../host/exchange/body.ts'
import type { ExchangeEnd } from '../../../../host/exchange/exchange.ts'
import { Headers } from '../../../../host/exchange/headers.ts'
import { Response } from '../../../../host/exchange/response.ts'
import { until } from '../../../support/gateway.ts'
import { authority, pair } from '../../../support/pki.ts'
import { assert } from '../../../support/suite.ts'
import { tellConnection, tlsOf } from '../../tls/listener.ts'
import { answerOf, forEachHttp2 } from '../server-suite.ts'

forEachHttp2('requests', (test, { server, listen, open }) => {
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
    assert.is(server().connections, 1)
  })

  test('the exchange knows the certificate of a client over HTTP/2 too', async () => {
    await listen(tellConnection, {}, tlsOf(['localhost'], { clientCa: authority('ca') }))
    assert.is((await answerOf(open(pair('client')).request())).body, 'https 2 alice')
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
    assert.is(seen, `POST /y?q=1 localhost:${server().port} hello`)
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
    await until(() => server().connections === 1, 'the session is there')
    assert.is((await answerOf(session.request({ ':path': '/ok' }))).status, 200)
    request.close(constants.NGHTTP2_CANCEL)
    await until(() => ends.length === 1, 'the exchange has ended')
    assert.is(aborted, 1)
    assert.is(ends[0]?.isComplete, false)
    assert.is((await answerOf(session.request({ ':path': '/ok' }))).status, 200)
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
})
