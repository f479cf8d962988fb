import { Body } from '../../../host/exchange/body.ts'
import type { ExchangeEnd } from '../../../host/exchange/exchange.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { forEachEngine, GET } from '../server-suite.ts'
import { streamedBody } from '../streamed-body.ts'
import { valuesOf } from '../wire.ts'

forEachEngine('answers', (test, { server, listen, connect }) => {
  test('writes status, fields in order, its own framing and a date', async () => {
    const cookies = Array.from({ length: 50 }, (_, i) => ['Set-Cookie', `c${i}=\xe9`]).flat()
    await listen((exchange) => {
      const fields = [...cookies, 'Connection', 'X-Drop', 'X-Drop', '1', 'Content-Length', '99']
      exchange.response = new Response(201, new Headers(fields), Body.text('body'))
    })
    const client = await connect()
    const answer = await client.ask(GET)
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

  test('HTTP/1.0 keeps its connection only where it asks to and the length is known', async () => {
    await listen((exchange) => {
      if (exchange.request.path === '/') {
        exchange.reply(200, exchange.request.host)
        return
      }
      const body = streamedBody()
      exchange.response = new Response(200, new Headers(), body)
      setTimeout(() => {
        body.push(Buffer.from('stream'))
        body.end()
      }, 5)
    })
    const client = await connect()
    const kept = await client.ask('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert.is(kept.body, `127.0.0.1:${server().port}`)
    assert.equal(valuesOf(kept, 'connection'), ['keep-alive'])
    const streamed = await client.ask('GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert.is(streamed.body, 'stream')
    assert.equal(valuesOf(streamed, 'connection'), ['close'])
    const closed = await connect()
    assert.equal(valuesOf(await closed.ask('GET / HTTP/1.0\r\n\r\n'), 'connection'), ['close'])
    await closed.ended()
  })

  test('answers 503 with the request id when the handler left no response', async () => {
    let id = ''
    await listen((exchange) => {
      id = exchange.id
    })
    const answer = await (await connect()).ask(GET)
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
      const body = streamedBody(isKnown ? 6 : -1)
      exchange.response = new Response(
        200,
        new Headers(['Content-Type', 'text/event-stream']),
        body,
      )
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
    const body = streamedBody()
    await listen((exchange) => {
      exchange.response = new Response(200, new Headers(['X-A', '\xe9']), body)
    })
    const client = await connect()
    client.write(GET)
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
      const body = streamedBody(length)
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

  test('a response that promises another length than it has is cut', async () => {
    await listen((exchange) => {
      const body = streamedBody(5)
      exchange.response = new Response(200, new Headers(), body)
      body.push(Buffer.from(exchange.request.path === '/long' ? 'sixsix' : 'abc'))
      body.end()
      // Ended before anybody looked, it is whole and has the length it has.
      if (exchange.request.path === '/whole') return
      exchange.response.body = streamedBody(5)
      const late = exchange.response.body
      setTimeout(() => {
        late.push(Buffer.from(exchange.request.path === '/long' ? 'sixsix' : 'abc'))
        late.end()
      }, 5)
    })
    const whole = await connect()
    assert.is((await whole.ask('GET /whole HTTP/1.1\r\nHost: a\r\n\r\n')).body, 'abc')
    for (const path of ['/long', '/short']) {
      const client = await connect()
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      await client.ended()
      assert.is(await client.answer(), null)
    }
  })

  test('reports status, bytes and duration when the last byte is out', async () => {
    const ends: ExchangeEnd[] = []
    await listen((exchange) => {
      exchange.onDone((end) => ends.push(end))
      const body = streamedBody()
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
    await until(() => ends.length === 2, 'both have ended')
    const [whole, stream] = ends
    assert.equal([whole?.status, whole?.sentBytes, whole?.isComplete], [200, 5, true])
    assert.equal([stream?.status, stream?.sentBytes, stream?.isComplete], [202, 3, true])
    assert.ok((stream?.durationMs ?? 0) >= 9)
  })
})
