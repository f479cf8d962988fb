import { setTimeout as sleep } from 'node:timers/promises'
import { Body } from '../../../host/exchange/body.ts'
import type { Exchange, ExchangeEnd } from '../../../host/exchange/exchange.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { forEachEngine, GET } from '../server-suite.ts'

forEachEngine('slow-clients', (test, { server, listen, connect }) => {
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
    await until(() => server().connections === 0 && end !== null, 'it is cut')
  })

  test('a client that reads slowly is not', async () => {
    const total = 4 * 1024 * 1024
    await listen(
      (exchange) => {
        exchange.response = new Response(200, new Headers(), Body.bytes(Buffer.alloc(total)))
      },
      { writeIdleTimeoutMs: 4_000 },
    )
    const client = await connect()
    client.socket.pause()
    client.write(GET)
    // In all longer than the limit, and no pause near it.
    for (let i = 0; i < 12; i++) {
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
    await until(() => seen === total, 'all are answered')
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

  test('tells the exchange when the client leaves, and ends it once', async () => {
    const ends: ExchangeEnd[] = []
    let aborted = 0
    let isRunning = false
    let finishHandler: () => void = () => undefined
    await listen((exchange) => {
      exchange.onAbort(() => {
        aborted += 1
      })
      exchange.onDone((end) => ends.push(end))
      return new Promise<void>((resolve) => {
        finishHandler = resolve
        isRunning = true
      })
    })
    const client = await connect()
    client.write(GET)
    await until(() => isRunning, 'the handler runs')
    client.close()
    await until(() => aborted > 0, 'it was told')
    await sleep(20)
    assert.equal(ends, [], 'what the handler holds is kept until it is done')
    finishHandler()
    await until(() => ends.length > 0, 'it has ended')
    await sleep(20)
    assert.is(aborted, 1)
    assert.is(ends.length, 1)
    assert.is(ends[0]?.isComplete, false)
  })
})
