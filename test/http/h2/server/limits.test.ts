import { once } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'
import { Body } from '../../../../host/exchange/body.ts'
import { Headers } from '../../../../host/exchange/headers.ts'
import { Response } from '../../../../host/exchange/response.ts'
import { until } from '../../../support/gateway.ts'
import { assert } from '../../../support/suite.ts'
import { connectSecure, tellConnection } from '../../tls/listener.ts'
import { answerOf, forEachHttp2 } from '../server-suite.ts'

forEachHttp2('limits', (test, { server, listen, open }) => {
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
    const session = open({ settings: { initialWindowSize: 0 } })
    const requests = Array.from({ length: 100 }, () => session.request())
    for (const request of requests) request.on('error', () => undefined)
    await once(requests[99] as ClientHttp2Stream, 'response')
    assert.ok(produced <= 100 * 128 * 1024, `${produced} bytes`)
    await once(session, 'close')
    await until(() => server().connections === 0, 'the connection is gone')
  })

  test('a client that never says that it speaks HTTP/2 is cut off', async () => {
    await listen(tellConnection, { headerTimeoutMs: 300 })
    const socket = await connectSecure(server().port, { ALPNProtocols: ['h2'] })
    socket.resume()
    await once(socket, 'close')
    assert.is(server().connections, 0)
  })
})
