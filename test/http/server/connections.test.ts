import { setTimeout as sleep } from 'node:timers/promises'
import { isGatewayError } from '../../../host/errors.ts'
import type { Exchange } from '../../../host/exchange/exchange.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { LIMITS } from '../native/tiny-proxy.ts'
import { forEachEngine, GET, hello } from '../server-suite.ts'
import { valuesOf, WireClient } from '../wire.ts'

/** Answers, and holds on to each exchange until it is released. */
class HeldHandler {
  running = 0
  #release: (() => void)[] = []
  readonly handler = (exchange: Exchange): Promise<void> => {
    hello(exchange)
    this.running += 1
    return new Promise((resolve) => this.#release.push(resolve))
  }

  release(): void {
    for (const resolve of this.#release.splice(0)) resolve()
    this.running = 0
  }
}

forEachEngine('connections', (test, { engine, server, listen, connect }) => {
  test('L10: a connection past the limit gets 503 and is counted as turned away', async () => {
    await listen(hello, { maxConnections: 2 })
    const [first] = [await connect(), await connect()]
    const third = await connect()
    const answer = await third.answer()
    assert.is(answer?.status, 503)
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await third.ended()
    assert.is(server().connections, 2)
    assert.is((await first.ask(GET)).status, 200)
    server().update({ ...LIMITS, maxConnections: 3 })
    assert.is((await (await connect()).ask(GET)).status, 200)
  })

  test('nearly as many connections as there may be: none is kept', async () => {
    await listen(hello, { maxConnections: 10 })
    const all = [await connect()]
    assert.not.ok(valuesOf(await (all[0] as WireClient).ask(GET), 'connection').includes('close'))
    while (all.length < 9) all.push(await connect())
    assert.equal(valuesOf(await (all[8] as WireClient).ask(GET), 'connection'), ['close'])
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

  test('closes after each answer when keep-alive is off, also when it is turned off later', async () => {
    await listen(hello)
    const client = await connect()
    await client.ask(GET)
    server().update({ ...LIMITS, keepAlive: false })
    const answer = await client.ask(GET)
    assert.equal(valuesOf(answer, 'connection'), ['close'])
    await client.ended()
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

  test('closing answers requests that are on their way, with the news that the connection ends', async () => {
    await listen(hello)
    const kept = await connect()
    await kept.ask(GET)
    const fresh = await connect()
    const closed = server().close(5_000)
    const answers = [await kept.ask(GET), await fresh.ask(GET)]
    for (const answer of answers) assert.equal(valuesOf(answer, 'connection'), ['close'])
    await closed
  })

  test('closing lets the answer that is under way end, and says so in it', async () => {
    const held = new HeldHandler()
    await listen(held.handler)
    const busy = await connect()
    const idle = await connect()
    busy.write(GET)
    await until(() => held.running === 1, 'it is under way')
    const closed = server().close(5_000)
    held.release()
    const answer = await busy.answer()
    assert.is(answer?.body, 'hello')
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await idle.ended()
    await busy.ended()
    busy.close()
    idle.close()
    await closed
    assert.is(server().connections, 0)
  })

  test('drains: refuses new connections, closes idle ones, lets running requests end', async () => {
    const held = new HeldHandler()
    await listen(held.handler)
    const idle = await connect()
    const fresh = await connect()
    idle.write(GET)
    await until(() => held.running === 1, 'it is under way')
    held.release()
    await idle.answer()
    const busy = await connect()
    busy.write(GET)
    await until(() => held.running === 1, 'it is under way')
    const { port } = server()
    const closed = server().close(20_000)
    assert.is(server().close(20_000), closed)
    await Promise.all([idle.ended(), fresh.ended()])
    const refused = await WireClient.open(port).catch((error: NodeJS.ErrnoException) => error.code)
    assert.is(refused, 'ECONNREFUSED')
    held.release()
    const answer = await busy.answer()
    assert.is(answer?.body, 'hello')
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await closed
    assert.is(server().connections, 0)
  })

  test('cuts what is left when the time to drain is over', async () => {
    const held = new HeldHandler()
    await listen(held.handler)
    const client = await connect()
    client.write(GET)
    await until(() => held.running === 1, 'it is under way')
    await server().close(50)
    await client.ended()
  })

  test('fails with LISTEN when the port is taken', async () => {
    await listen(hello)
    const taken = { name: 'b', address: '127.0.0.1', port: server().port, limits: LIMITS }
    const error = await engine.listen(taken, hello).catch((thrown: unknown) => thrown)
    assert.ok(isGatewayError(error, 'LISTEN'))
  })
})
