import { setTimeout as sleep } from 'node:timers/promises'
import { Body } from '../../../host/exchange/body.ts'
import type { Exchange } from '../../../host/exchange/exchange.ts'
import { assert } from '../../support/suite.ts'
import { forEachEngine, hello } from '../server-suite.ts'
import { valuesOf } from '../wire.ts'

forEachEngine('requests', (test, { listen, connect }) => {
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

  test('hands over a request with a large body before more of it is read than came with the head', async () => {
    let bytes = 0
    let bytesAtOnce = -1
    const size = 200 * 1024
    await listen(async (exchange) => {
      await new Promise<void>((resolve, reject) => {
        exchange.request.body.pipe({
          write: (chunk) => {
            bytes += chunk.length
            return true
          },
          end: () => resolve(),
          fail: reject,
        })
        bytesAtOnce = bytes
      })
      exchange.reply(200, 'ok')
    })
    const client = await connect()
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`
    const answer = await client.ask(head + 'x'.repeat(size))
    assert.is(answer?.status, 200)
    // One read of a socket.
    assert.ok(bytesAtOnce <= 64 * 1024, `${bytesAtOnce} bytes were there`)
    assert.is(bytes, size)
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
    await sleep(5) // so that the pieces arrive apart; together they mean the same
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

  test('reads the next request after one whose body nobody wanted', async () => {
    await listen(hello)
    const client = await connect()
    const unread = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`
    assert.is((await client.ask(unread)).body, 'hello')
    const rest = 'x'.repeat(600)
    assert.is((await client.ask(`${rest}GET / HTTP/1.1\r\nHost: a\r\n\r\n`, 'GET')).body, 'hello')
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
    // An engine may say what is wrong with the rest, and no more than that.
    assert.ok([undefined, 400].includes((await client.answer())?.status))
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
    assert.is(
      (await tunnel.ask('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 'GET')).status,
      405,
    )
    await tunnel.ended()
    assert.is(seen, 0)
  })
})
