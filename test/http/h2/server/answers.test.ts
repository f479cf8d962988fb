import { once } from 'node:events'
import { Body } from '../../../../host/exchange/body.ts'
import { Headers } from '../../../../host/exchange/headers.ts'
import { Response } from '../../../../host/exchange/response.ts'
import { assert } from '../../../support/suite.ts'
import { streamedBody } from '../../streamed-body.ts'
import { answerOf, failureOf, forEachHttp2 } from '../server-suite.ts'

forEachHttp2('answers', (test, { server, listen, open }) => {
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

  test('an answer that breaks off is reset, never ended', async () => {
    await listen((exchange) => {
      const body = streamedBody()
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
        const body = streamedBody(5)
        exchange.response = new Response(200, new Headers(), body)
        setTimeout(() => {
          body.push(Buffer.from(text))
          body.end()
        }, 5)
      })
      const [error] = await failureOf(open().request())
      assert.match(String(error), 'NGHTTP2_INTERNAL_ERROR')
      await server().close(0)
    }
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

  test('a whole body larger than the window arrives', async () => {
    const text = 'abcdefgh'.repeat(100_000)
    await listen((exchange) => {
      exchange.response = new Response(200, new Headers(), Body.bytes(Buffer.from(text)))
    })
    const answer = await answerOf(open().request())
    assert.is(answer.headers['content-length'], String(text.length))
    assert.ok(answer.body === text)
  })
})
