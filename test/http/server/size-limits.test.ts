import { isGatewayError } from '../../../host/errors.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { forEachEngine, GET, hello } from '../server-suite.ts'
import { valuesOf } from '../wire.ts'

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
  ['a field past the hundredth', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(100)}\r\n`, 431],
  ['a body past the limit', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n', 413],
]

forEachEngine('size-limits', (test, { server, listen, connect }) => {
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

  test('refuses a body past the limit, announced or not, and stops what works on it', async () => {
    let failed: unknown = null
    let isAborted = false
    let isRunning = false
    await listen(
      async (exchange) => {
        exchange.onAbort(() => {
          isAborted = true
        })
        isRunning = true
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
    streamed.write(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n',
    )
    await until(() => isRunning, 'somebody works on it')
    const second = await streamed.ask('6\r\nabcdef\r\n', 'POST')
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

  test('limits hold from the moment they are changed', async () => {
    await listen(hello, { maxHeaderCount: 2, headerTimeoutMs: 60_000 })
    const client = await connect()
    assert.is((await client.ask(GET)).status, 200)
    server().update({ ...LIMITS, maxHeaderCount: 1, maxRequestLineBytes: 300 })
    assert.is((await client.ask('GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n')).status, 431)
    const next = await connect()
    assert.is((await next.ask(`GET /${'a'.repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`)).status, 414)
    server().update({ ...LIMITS, headerTimeoutMs: 200 })
    const slow = await connect()
    slow.write('GET /')
    assert.is((await slow.answer())?.status, 408)
  })
})
