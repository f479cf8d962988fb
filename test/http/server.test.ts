import { setTimeout as sleep } from 'node:timers/promises'
import { Body } from '../../host/exchange/body.ts'
import type { Exchange, ExchangeEnd } from '../../host/exchange/exchange.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { Response } from '../../host/exchange/response.ts'
import type { ExchangeHandler, HttpServer, ServerLimits } from '../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../host/http/engines.ts'
import { assert, suite } from '../support/suite.ts'
import { LIMITS } from './native/tiny-proxy.ts'
import { testsOf } from './node-differences.ts'
import { valuesOf, WireClient } from './wire.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A producer that has nothing to pause. */
const QUIET = {
  resume: (): undefined => undefined,
  pause: (): undefined => undefined,
  cancel: (): undefined => undefined,
}

for (const engine of HTTP_ENGINES) {
  const tests = suite(`http/server/${engine.name}`)
  const test = testsOf(engine.name, tests)

  let server: HttpServer
  const clients: WireClient[] = []

  async function listen(
    handler: ExchangeHandler,
    limits: Partial<ServerLimits> = {},
  ): Promise<void> {
    server = await engine.listen(
      { name: 'main', address: '127.0.0.1', port: 0, limits: { ...LIMITS, ...limits } },
      handler,
    )
  }

  async function connect(): Promise<WireClient> {
    const client = await WireClient.open(server.port)
    clients.push(client)
    return client
  }

  tests.after.each(async () => {
    for (const client of clients.splice(0)) client.close()
    await server.close(0)
  })

  const hello = (exchange: Exchange): void => {
    exchange.reply(200, 'hello')
  }

  /** Milliseconds until the client is answered with `status`. */
  async function timeTo(client: WireClient, status: number): Promise<number> {
    const startedAtMs = performance.now()
    const answer = await client.answer()
    const tookMs = performance.now() - startedAtMs
    assert.is(answer?.status, status)
    await client.ended()
    return tookMs
  }

  /** Sends `text` every 20 ms until the connection ends. */
  function drip(client: WireClient, text: string): void {
    const timer = setInterval(() => {
      if (client.hasEnded || client.received !== '') clearInterval(timer)
      else client.write(text)
    }, 20)
  }

  test('L02: a header that drips is answered 408 when its time is over, and not half a second later', async () => {
    await listen(hello, { headerTimeoutMs: 600 })
    const client = await connect()
    client.write('GET / HTTP/1.1\r\nHost: a\r\n')
    drip(client, 'X: y\r\n')
    const tookMs = await timeTo(client, 408)
    assert.ok(tookMs >= 590 && tookMs < 1_100, `${tookMs} ms`)
  })

  test('a header that drips in one line is answered 408 too', async () => {
    await listen(hello, { headerTimeoutMs: 300 })
    const client = await connect()
    client.write('GET /')
    drip(client, 'a')
    const tookMs = await timeTo(client, 408)
    assert.ok(tookMs >= 290 && tookMs < 800, `${tookMs} ms`)
  })

  test('L03: a body that drips below the lowest rate is answered 408', async () => {
    let isAborted = false
    await listen(
      (exchange) => {
        exchange.onAbort(() => {
          isAborted = true
        })
        return exchange.request.body.collect() as Promise<never>
      },
      { bodyIdleTimeoutMs: 600, minBodyRate: 1024 },
    )
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
    drip(client, 'x')
    const tookMs = await timeTo(client, 408)
    assert.ok(tookMs >= 590 && tookMs < 1_200, `${tookMs} ms`)
    assert.ok(isAborted)
  })

  test('a body that makes the lowest rate is let go on past the idle time', async () => {
    await listen(
      async (exchange) => {
        const { length } = await exchange.request.body.collect()
        exchange.reply(200, String(length))
      },
      { bodyIdleTimeoutMs: 200, minBodyRate: 1000 },
    )
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n')
    for (let i = 0; i < 20; i++) {
      client.write('x'.repeat(200))
      await sleep(40)
    }
    assert.is((await client.answer())?.body, '4000')
  })

  test('a body that waits for us is not too slow', async () => {
    let takeIt: () => void = () => undefined
    await listen(
      async (exchange) => {
        await new Promise<void>((resolve) => {
          takeIt = resolve
        })
        const { length } = await exchange.request.body.collect()
        exchange.reply(200, String(length))
      },
      { bodyIdleTimeoutMs: 200 },
    )
    const client = await connect()
    const total = 1_000_000
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    client.write('x'.repeat(total))
    await sleep(600)
    takeIt()
    assert.is((await client.answer())?.body, String(total))
  })

  test('L10: a connection past the limit gets 503 and is counted as turned away', async () => {
    await listen(hello, { maxConnections: 2 })
    const [first] = [await connect(), await connect()]
    const third = await connect()
    const answer = await third.answer()
    assert.is(answer?.status, 503)
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await third.ended()
    assert.is(server.connections, 2)
    assert.is((await first.ask(GET)).status, 200)
    server.update({ ...LIMITS, maxConnections: 3 })
    assert.is((await (await connect()).ask(GET)).status, 200)
  })

  test('L19: what is sent while an idle connection closes is never acted on, and never meets a reset', async () => {
    let seen = 0
    await listen(
      (exchange) => {
        seen += 1
        exchange.reply(200, 'ok')
      },
      { keepAliveTimeoutMs: 200 },
    )
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'
    let answered = 0
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const client = await connect()
        await client.ask(post)
        answered += 1
        await sleep(180 + i * 4)
        client.write(post)
        if ((await client.answer()) !== null) answered += 1
        assert.is(client.error, null)
      }),
    )
    assert.is(seen, answered)
  })

  test('L20: limits do not follow the clock on the wall', async () => {
    const { now } = Date
    await listen(hello, { headerTimeoutMs: 400 })
    const client = await connect()
    try {
      Date.now = () => now() + 3_600_000
      client.write('GET / HTTP/1.1\r\n')
      await sleep(250)
      assert.not.ok(client.hasEnded)
      Date.now = () => now() - 3_600_000
      const tookMs = await timeTo(client, 408)
      assert.ok(tookMs < 700, `${tookMs} ms`)
    } finally {
      Date.now = now
    }
  })

  test('an idle connection closes without a word', async () => {
    await listen(hello, { keepAliveTimeoutMs: 200, headerTimeoutMs: 200 })
    const used = await connect()
    await used.ask(GET)
    const fresh = await connect()
    await Promise.all([used.ended(), fresh.ended()])
    assert.is(used.received + fresh.received, '')
  })

  test('a client that reads nothing of its answer is cut off', async () => {
    let end: ExchangeEnd | null = null
    await listen(
      (exchange) => {
        exchange.onDone((done) => {
          end = done
        })
        exchange.response = new Response(
          200,
          new Headers(),
          Body.bytes(Buffer.alloc(32 * 1024 * 1024)),
        )
      },
      { writeIdleTimeoutMs: 300 },
    )
    const client = await connect()
    client.socket.pause()
    client.write(GET)
    while (server.connections > 0 || end === null) await sleep(10)
  })

  test('a client that reads slowly is not', async () => {
    const total = 4 * 1024 * 1024
    await listen(
      (exchange) => {
        exchange.response = new Response(200, new Headers(), Body.bytes(Buffer.alloc(total)))
      },
      { writeIdleTimeoutMs: 2_000 },
    )
    const client = await connect()
    client.socket.pause()
    client.write(GET)
    // In all longer than the limit, and no pause near it.
    for (let i = 0; i < 8; i++) {
      await sleep(400)
      client.socket.resume()
      await sleep(1)
      client.socket.pause()
    }
    client.socket.resume()
    await client.until(() => client.bytes > total)
  })

  test('answers that are not read stop the reading of requests', async () => {
    let seen = 0
    await listen((exchange) => {
      seen += 1
      exchange.reply(200, 'x'.repeat(10_000))
    })
    const client = await connect()
    client.socket.pause()
    const total = 8_000
    client.write(GET.repeat(total))
    let before = -1
    while (before !== seen || seen === 0) {
      before = seen
      await sleep(100)
    }
    assert.ok(seen < total / 2, `${seen} requests were answered`)
    client.socket.resume()
    while (seen < total) await sleep(10)
  })

  test('requests that arrive byte by byte are read like others', async () => {
    await listen(async (exchange) => {
      const bytes = await exchange.request.body.collect()
      exchange.reply(200, `${exchange.request.target} ${bytes.latin1Slice()}`)
    })
    const client = await connect()
    const text =
      'POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x="y"\r\nabc\r\n0\r\nX: y\r\n\r\n' +
      'POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef'
    client.socket.setNoDelay(true)
    for (const byte of text) {
      client.write(byte)
      await sleep(0)
    }
    assert.is((await client.answer())?.body, '/a?b abc')
    assert.is((await client.answer())?.body, '/c def')
  })

  test('HTTP/1.0 keeps its connection only where it asks to and the length is known', async () => {
    await listen((exchange) => {
      if (exchange.request.path === '/') {
        exchange.reply(200, exchange.request.host)
        return
      }
      const body = Body.stream(QUIET)
      exchange.response = new Response(200, new Headers(), body)
      setTimeout(() => {
        body.push(Buffer.from('stream'))
        body.end()
      }, 5)
    })
    const client = await connect()
    const kept = await client.ask('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert.is(kept.body, `127.0.0.1:${server.port}`)
    assert.equal(valuesOf(kept, 'connection'), ['keep-alive'])
    const streamed = await client.ask('GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
    assert.is(streamed.body, 'stream')
    assert.equal(valuesOf(streamed, 'connection'), ['close'])
    const closed = await connect()
    assert.equal(valuesOf(await closed.ask('GET / HTTP/1.0\r\n\r\n'), 'connection'), ['close'])
    await closed.ended()
  })

  test('who is turned away at once is not asked for the body', async () => {
    await listen((exchange) => {
      exchange.reply(401, 'no')
    })
    const client = await connect()
    const answer = await client.ask(
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
    )
    assert.is(answer.status, 401)
    assert.equal(valuesOf(answer, 'connection'), ['close'])
    await client.ended()
  })

  test('an expectation other than 100-continue is answered 417', async () => {
    await listen(hello)
    const client = await connect()
    assert.is((await client.ask('GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n')).status, 417)
  })

  const TOO_MUCH: readonly (readonly [name: string, request: string, status: number])[] = [
    ['a request line past 8 KiB', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['a request line past 8 KiB that has no end', `GET /${'a'.repeat(9_000)}`, 414],
    ['a method past 32 bytes', `${'G'.repeat(40)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 501],
    ['a header past 32 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(33_000)}\r\n\r\n`, 431],
    [
      'a header past 32 KiB that has no end',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(60_000)}`,
      431,
    ],
    [
      'a field past the hundredth',
      `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(100)}\r\n`,
      431,
    ],
    [
      'a body past the limit',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n',
      413,
    ],
  ]

  for (const [name, request, status] of TOO_MUCH) {
    test(`${name} is answered ${status}`, async () => {
      await listen(hello)
      const client = await connect()
      client.write(request)
      assert.is((await client.answer())?.status, status)
      await client.ended()
      assert.is(client.error, null)
    })
  }

  test('what fits into the limits is served', async () => {
    await listen(hello)
    const client = await connect()
    const line = `GET /${'a'.repeat(8_100)} HTTP/1.1\r\nHost: a\r\n`
    assert.is((await client.ask(`${line}X: ${'a'.repeat(32_000)}\r\n\r\n`)).status, 200)
    assert.is((await client.ask(`${line}${'X: y\r\n'.repeat(99)}\r\n`)).status, 200)
  })

  test('a client that ends its side in the middle of a request gets 400', async () => {
    await listen(() => new Promise(() => undefined))
    for (const part of [
      'GET / HTT',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc',
    ]) {
      const client = await connect()
      client.write(part)
      client.socket.end()
      assert.is((await client.answer())?.status, 400)
      await client.ended()
    }
  })

  test('a response that promises another length than it has is cut', async () => {
    await listen((exchange) => {
      const body = Body.stream(QUIET, 5)
      exchange.response = new Response(200, new Headers(), body)
      body.push(Buffer.from(exchange.request.path === '/long' ? 'sixsix' : 'abc'))
      body.end()
      // Ended before anybody looked, it is whole and has the length it has.
      if (exchange.request.path === '/whole') return
      exchange.response.body = Body.stream(QUIET, 5)
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

  test('closing lets the answer that is under way end, and says so in it', async () => {
    await listen((exchange) => sleep(100).then(() => hello(exchange)))
    const busy = await connect()
    const idle = await connect()
    busy.write(GET)
    await sleep(20)
    const closed = server.close(5_000)
    const answer = await busy.answer()
    assert.is(answer?.body, 'hello')
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await idle.ended()
    await busy.ended()
    busy.close()
    idle.close()
    await closed
    assert.is(server.connections, 0)
  })

  test('L03: a body that keeps its rate but never ends is answered 408 when its time is over', async () => {
    await listen((exchange) => exchange.request.body.collect() as Promise<never>, {
      bodyIdleTimeoutMs: 5_000,
      bodyTimeoutMs: 500,
    })
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n')
    drip(client, 'x'.repeat(2_000))
    const tookMs = await timeTo(client, 408)
    assert.ok(tookMs >= 490, `${tookMs} ms`)
  })

  test('an answer that does not begin in time is 504, and who works on it is told', async () => {
    let isAborted = false
    await listen(
      (exchange) => {
        exchange.onAbort(() => {
          isAborted = true
        })
        return new Promise(() => undefined)
      },
      { requestTimeoutMs: 400 },
    )
    const client = await connect()
    client.write(GET)
    const tookMs = await timeTo(client, 504)
    assert.ok(tookMs >= 390 && tookMs < 1_500, `${tookMs} ms`)
    assert.ok(isAborted)
  })

  test('an answer that streams past the time for its beginning is not cut', async () => {
    await listen(
      (exchange) => {
        const body = Body.stream(QUIET)
        exchange.response = new Response(200, new Headers(), body)
        body.push(Buffer.from('a'))
        setTimeout(() => {
          body.push(Buffer.from('b'))
          body.end()
        }, 700)
      },
      { requestTimeoutMs: 200 },
    )
    const client = await connect()
    assert.is((await client.ask(GET)).body, 'ab')
  })

  test('the upload does not count as time for the answer', async () => {
    await listen(
      async (exchange) => {
        const { length } = await exchange.request.body.collect()
        exchange.reply(200, String(length))
      },
      { requestTimeoutMs: 300 },
    )
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n')
    for (const letter of 'abcdef') {
      await sleep(120)
      client.write(letter)
    }
    assert.is((await client.answer())?.body, '6')
  })

  test('a connection carries as many requests as it may, and says which is the last', async () => {
    await listen(hello, { maxRequestsPerConnection: 3 })
    const client = await connect()
    for (const last of [false, false, true]) {
      const answer = await client.ask(GET)
      assert.is(valuesOf(answer, 'connection').includes('close'), last)
    }
    await client.ended()
  })

  test('408, 413, 414, 431 and 505 each at its own limit, and one byte or field below it all is well', async () => {
    await listen(hello, {
      maxRequestLineBytes: 300,
      maxHeaderBytes: 1_000,
      maxHeaderCount: 10,
      maxBodyBytes: 100,
    })
    const line = (size: number): string =>
      `GET /${'a'.repeat(size - 16)} HTTP/1.1\r\nHost: a\r\n\r\n`
    const fields = (count: number): string =>
      `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(count - 1)}\r\n`
    const header = (size: number): string =>
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(size - 14)}\r\n\r\n`
    const body = (size: number): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`
    for (const [text, status] of [
      [line(300), 200],
      [line(301), 414],
      [fields(10), 200],
      [fields(11), 431],
      [header(990), 200],
      [header(1_010), 431],
      [body(100), 200],
      [body(101), 413],
      ['GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505],
      ['GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ] as const) {
      const client = await connect()
      client.write(text)
      const answer = await client.answer()
      assert.is(answer?.status, status, JSON.stringify(text.slice(0, 60)))
      if (status !== 200) await client.ended()
    }
  })

  test('limits hold from the moment they are changed', async () => {
    await listen(hello, { maxHeaderCount: 2, headerTimeoutMs: 60_000 })
    const client = await connect()
    assert.is((await client.ask(GET)).status, 200)
    server.update({ ...LIMITS, maxHeaderCount: 1, maxRequestLineBytes: 300 })
    assert.is((await client.ask('GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n')).status, 431)
    const next = await connect()
    assert.is((await next.ask(`GET /${'a'.repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 414)
    server.update({ ...LIMITS, headerTimeoutMs: 200 })
    const slow = await connect()
    slow.write('GET /')
    assert.ok((await timeTo(slow, 408)) >= 190)
  })

  test('L16: a query with 100,000 parameters is refused by its length, at once', async () => {
    await listen(hello)
    const client = await connect()
    const query = Array.from({ length: 100_000 }, (_, i) => `a${i}=b`).join('&')
    const startedAtMs = performance.now()
    client.write(`GET /?${query} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const { status } = (await client.answer()) ?? { status: 0 }
    assert.ok(status === 414 || status === 431, `${status}`)
    assert.ok(performance.now() - startedAtMs < 5_000)
  })

  test('nearly as many connections as there may be: none is kept', async () => {
    await listen(hello, { maxConnections: 10 })
    const all = [await connect()]
    assert.not.ok(valuesOf(await (all[0] as WireClient).ask(GET), 'connection').includes('close'))
    while (all.length < 9) all.push(await connect())
    assert.equal(valuesOf(await (all[8] as WireClient).ask(GET), 'connection'), ['close'])
  })

  test('closing answers requests that are on their way, with the news that the connection ends', async () => {
    await listen(hello)
    const kept = await connect()
    await kept.ask(GET)
    const fresh = await connect()
    const closed = server.close(5_000)
    const answers = [await kept.ask(GET), await fresh.ask(GET)]
    for (const answer of answers) assert.equal(valuesOf(answer, 'connection'), ['close'])
    await closed
  })
}
