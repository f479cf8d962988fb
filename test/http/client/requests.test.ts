import { GatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { codeOf, forEachClient, reply, textOf } from '../client-suite.ts'
import { streamedBody } from '../streamed-body.ts'
import { type SeenRequest, startRawUpstream, valuesOf } from '../wire.ts'

forEachClient('requests', (test, { upstream, start, send, closeLater }) => {
  test('sends start line, Host, fields and body, and nothing of its own but the framing', async () => {
    await start((socket) => socket.write(reply('ok')))
    await textOf(
      await send({
        method: 'POST',
        target: '//evil/x?a=%41',
        host: 'shop:80',
        headers: ['X-A', '1', 'x-a', '\xff', 'X-A', ''],
        body: Body.text('hello'),
      }),
    )
    const [seen] = upstream().seen as [SeenRequest]
    assert.is(seen.line, 'POST //evil/x?a=%41 HTTP/1.1')
    assert.equal(valuesOf(seen, 'host'), ['shop:80'])
    assert.equal(valuesOf(seen, 'x-a'), ['1', '\xff', ''])
    assert.equal(valuesOf(seen, 'content-length'), ['5'])
    assert.is(seen.body, 'hello')
    const own = seen.fields.filter((_, i) => i % 2 === 0).map((field) => field.toLowerCase())
    const allowed = ['host', 'x-a', 'content-length', 'connection']
    assert.equal(
      own.filter((field) => !allowed.includes(field)),
      [],
    )
  })

  test('streams a request body of known and of unknown length', async () => {
    await start((socket) => socket.write(reply('ok')))
    for (const length of [6, -1]) {
      const body = streamedBody(length)
      const answer = send({ method: 'POST', body })
      body.push(Buffer.from('abc'))
      setTimeout(() => {
        body.push(Buffer.from('def'))
        body.end()
      }, 10)
      assert.is(await textOf(await answer), 'ok')
    }
    const [known, chunked] = upstream().seen
    assert.is(known?.body, 'abcdef')
    assert.equal(valuesOf(known as SeenRequest, 'content-length'), ['6'])
    assert.is(chunked?.body, 'abcdef')
    assert.equal(valuesOf(chunked as SeenRequest, 'transfer-encoding'), ['chunked'])
  })

  test('breaks the request off when its body fails', async () => {
    await start((socket) => socket.write(reply('ok')))
    const body = streamedBody(10)
    const answer = send({ method: 'POST', body })
    body.push(Buffer.from('abc'))
    setTimeout(() => body.fail(new GatewayError('REQUEST_BODY_TOO_LARGE', { limit: 5 })), 10)
    const code = await codeOf(answer)
    assert.ok(code !== 'none', code)
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
    assert.is(upstream().seen.length, 0)
  })

  test('holds a request body back while the upstream does not read', async () => {
    const deaf = await startRawUpstream((socket) => socket.pause())
    await start(() => undefined, { origin: deaf.origin })
    closeLater(deaf.close)
    let sent = 0
    let isPaused = false
    const pause = (): void => {
      isPaused = true
    }
    const body = streamedBody(-1, pause)
    const answer = send({ method: 'POST', body }, 0).catch(() => null)
    for (let i = 0; i < 1000 && !isPaused; i++) {
      body.push(Buffer.alloc(64 * 1024))
      sent += 64 * 1024
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(isPaused && sent < 32 * 1024 * 1024, `${sent} bytes`)
    body.fail(new Error('enough'))
    await answer
  })
})
