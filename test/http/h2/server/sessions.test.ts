import { once } from 'node:events'
import { constants } from 'node:http2'
import type { Exchange, ExchangeEnd } from '../../../../host/exchange/exchange.ts'
import { Overload } from '../../../../host/http/overload/overload.ts'
import { until } from '../../../support/gateway.ts'
import { assert } from '../../../support/suite.ts'
import { LIMITS } from '../../native/tiny-proxy.ts'
import { tellConnection, tlsOf } from '../../tls/listener.ts'
import { answerOf, forEachHttp2 } from '../server-suite.ts'

forEachHttp2('sessions', (test, { engine, server, listen, use, open }) => {
  test('an idle connection is told to go and closed', async () => {
    await listen(tellConnection, { keepAliveTimeoutMs: 300 })
    const session = open()
    await answerOf(session.request())
    await once(session, 'goaway')
    await until(() => server().connections === 0, 'the connection is gone')
  })

  test('after its last request a connection goes away, and none is lost', async () => {
    await listen(tellConnection, { maxRequestsPerConnection: 3 })
    const session = open()
    const answers = await Promise.all([1, 2, 3].map(() => answerOf(session.request())))
    for (const answer of answers) assert.is(answer.status, 200)
    if (!session.closed) await once(session, 'goaway')
    await until(() => server().connections === 0, 'the connection is gone')
  })

  test('with too much to do a request is answered 503 and the connection told to go', async () => {
    const sample = { loopDelayMs: 0, memoryRatio: 0 }
    const overload = new Overload({ sample: () => sample })
    use(
      await engine.listen(
        { name: 'main', address: '127.0.0.1', port: 0, limits: LIMITS, tls: tlsOf(), overload },
        tellConnection,
      ),
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
    const closed = server().close(10_000)
    const [code] = await told
    assert.is(code, constants.NGHTTP2_NO_ERROR)
    finish()
    assert.is((await answered).body, 'done')
    await closed
  })

  test('what is under way past the grace time is cut', async () => {
    const ends: ExchangeEnd[] = []
    let isRunning = false
    await listen((exchange: Exchange) => {
      isRunning = true
      exchange.onDone((end) => ends.push(end))
      return new Promise((resolve) => exchange.onAbort(() => resolve()))
    })
    const request = open().request()
    request.on('error', () => undefined)
    await until(() => isRunning, 'the request is there')
    await server().close(50)
    await until(() => ends.length === 1, 'the exchange has ended')
  })
})
