import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../support/suite.ts'
import { forEachEngine, GET, hello } from '../server-suite.ts'
import { stallLoop } from '../stall.ts'

/** Past all limits here, and past the times between two looks at them. */
const STALL_MS = 1_500
const LIMIT_MS = 700

forEachEngine('stalled-loop', (test, { listen, connect }) => {
  test('a head that came while the loop stood still is in time', async () => {
    await listen(hello, { headerTimeoutMs: LIMIT_MS })
    const client = await connect()
    client.write('GET / HTTP/1.1\r\n')
    // Read before the loop stands still: the time of the head runs.
    await sleep(50)
    await stallLoop(STALL_MS, () => client.write('Host: a\r\n\r\n'))
    assert.is((await client.answer())?.status, 200)
  })

  test('a body that came while the loop stood still is in time', async () => {
    let arrived: () => void = () => undefined
    const hasArrived = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await listen(
      async (exchange) => {
        arrived()
        exchange.reply(200, String(await exchange.request.body.collect()))
      },
      { bodyIdleTimeoutMs: LIMIT_MS, bodyTimeoutMs: LIMIT_MS },
    )
    const client = await connect()
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
    await hasArrived
    await stallLoop(STALL_MS, () => client.write('cd'))
    const answer = await client.answer()
    assert.equal([answer?.status, answer?.body], [200, 'abcd'])
  })

  test('a request that came to an idle connection while the loop stood still is served', async () => {
    await listen(hello, { keepAliveTimeoutMs: LIMIT_MS })
    const client = await connect()
    assert.is((await client.ask(GET)).status, 200)
    await stallLoop(STALL_MS, () => client.write(GET))
    assert.is((await client.answer())?.status, 200)
  })

  test('who has sent nothing is late, whether the loop stood still or not', async () => {
    await listen(hello, { headerTimeoutMs: LIMIT_MS })
    const client = await connect()
    await stallLoop(STALL_MS, () => client.write('GET / HTTP/1.1\r\n'))
    assert.is((await client.answer())?.status, 408)
    await client.ended()
  })
})
