import { setTimeout as sleep } from 'node:timers/promises'
import { Headers } from '../../../host/exchange/headers.ts'
import { Response } from '../../../host/exchange/response.ts'
import { assert } from '../../support/suite.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { forEachEngine, GET, hello } from '../server-suite.ts'
import { streamedBody } from '../streamed-body.ts'
import type { WireClient } from '../wire.ts'

/** Sends `text` every 20 ms until the connection ends. */
function drip(client: WireClient, text: string): void {
  const timer = setInterval(() => {
    if (client.hasEnded || client.received !== '') clearInterval(timer)
    else client.write(text)
  }, 20)
}

/** What the client sees past this is late, also on a machine that is busy. */
const LATE_MS = 10_000

forEachEngine('time-limits', (test, { server, listen, connect }) => {
  /** Milliseconds from the connection of a client to its answer of `status`, after which nothing follows. */
  async function timeUntil(status: number, talk: (client: WireClient) => void): Promise<number> {
    const startedAtMs = performance.now()
    const client = await connect()
    talk(client)
    const answer = await client.answer()
    const tookMs = performance.now() - startedAtMs
    assert.is(answer?.status, status)
    await client.ended()
    return tookMs
  }

  test('L02: a header that drips is answered 408 when its time is over', async () => {
    await listen(hello, { headerTimeoutMs: 600 })
    const tookMs = await timeUntil(408, (client) => {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n')
      drip(client, 'X: y\r\n')
    })
    assert.ok(tookMs >= 590 && tookMs < LATE_MS, `${tookMs} ms`)
  })

  test('a header that drips in one line is answered 408 too', async () => {
    await listen(hello, { headerTimeoutMs: 300 })
    const tookMs = await timeUntil(408, (client) => {
      client.write('GET /')
      drip(client, 'a')
    })
    assert.ok(tookMs >= 290 && tookMs < LATE_MS, `${tookMs} ms`)
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
    const tookMs = await timeUntil(408, (client) => {
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
      drip(client, 'x')
    })
    assert.ok(tookMs >= 590 && tookMs < LATE_MS, `${tookMs} ms`)
    assert.ok(isAborted)
  })

  test('L03: a body that keeps its rate but never ends is answered 408 when its time is over', async () => {
    await listen((exchange) => exchange.request.body.collect() as Promise<never>, {
      bodyIdleTimeoutMs: 60_000,
      bodyTimeoutMs: 500,
    })
    const tookMs = await timeUntil(408, (client) => {
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n')
      drip(client, 'x'.repeat(2_000))
    })
    assert.ok(tookMs >= 490 && tookMs < LATE_MS, `${tookMs} ms`)
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

  test('a body that makes the lowest rate is let go on past the idle time', async () => {
    await listen(
      async (exchange) => {
        const { length } = await exchange.request.body.collect()
        exchange.reply(200, String(length))
      },
      { bodyIdleTimeoutMs: 1_500, minBodyRate: 100 },
    )
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n')
    // In all twice the idle time, and no pause near it.
    for (let i = 0; i < 20; i++) {
      client.write('x'.repeat(200))
      await sleep(150)
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
      { bodyIdleTimeoutMs: 1_000 },
    )
    const client = await connect()
    const total = 1_000_000
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    client.write('x'.repeat(total))
    await sleep(2_500)
    takeIt()
    assert.is((await client.answer())?.body, String(total))
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
    const tookMs = await timeUntil(504, (client) => void client.write(GET))
    assert.ok(tookMs >= 390 && tookMs < LATE_MS, `${tookMs} ms`)
    assert.ok(isAborted)
  })

  test('an answer that streams past the time for its beginning is not cut', async () => {
    await listen(
      (exchange) => {
        const body = streamedBody()
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

  test('an idle connection closes without a word', async () => {
    await listen(hello, { keepAliveTimeoutMs: 200, headerTimeoutMs: 200 })
    const used = await connect()
    await used.ask(GET)
    const fresh = await connect()
    await Promise.all([used.ended(), fresh.ended()])
    assert.is(used.received + fresh.received, '')
  })

  test('closes connections that are idle for too long, and only those', async () => {
    await listen((exchange) => sleep(900).then(() => void exchange.reply(200, 'ok')), {
      keepAliveTimeoutMs: 600,
    })
    const client = await connect()
    await client.ask(GET)
    const startedAtMs = performance.now()
    await client.ask(GET)
    assert.is(client.hasEnded, false, 'a request that takes long is not idle')
    await client.ended()
    const tookMs = performance.now() - startedAtMs
    // It may close 0.1 s early.
    assert.ok(tookMs >= 1_390 && tookMs < LATE_MS, `${tookMs} ms`)
    server().update({ ...LIMITS, keepAliveTimeoutMs: 20 })
    const other = await connect()
    await other.ask(GET)
    await other.ended()
  })

  test('L20: limits do not follow the clock on the wall', async () => {
    const { now } = Date
    await listen(hello, { headerTimeoutMs: 3_000 })
    const client = await connect()
    const startedAtMs = performance.now()
    try {
      Date.now = () => now() + 3_600_000
      client.write('GET / HTTP/1.1\r\n')
      await sleep(250)
      assert.not.ok(client.hasEnded)
      Date.now = () => now() - 3_600_000
      assert.is((await client.answer())?.status, 408)
      assert.ok(performance.now() - startedAtMs < LATE_MS)
    } finally {
      Date.now = now
    }
  })
})
