import type { Socket } from 'node:net'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { GET } from '../server-suite.ts'
import { forEachProxy, OK } from '../upstream-suite.ts'

forEachProxy('connections', (test, { upstream, proxy, start, startRaw, connect }) => {
  test('an idle connection that speaks unasked is not used again', async () => {
    const client = await start((socket, _, index) => {
      socket.write(OK)
      if (index === 0) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\n'), 5)
    })
    assert.is((await client.ask(GET)).body, 'ok')
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream().accepted, 2)
  })

  test('U29: a reset on a connection that was used before is met with one more attempt', async () => {
    const client = await start((socket, _, index) => {
      if (index === 1) socket.resetAndDestroy()
      else socket.write(OK)
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream().seen.length, 3)
  })

  test('a request that is not idempotent is not sent twice, nor any on a fresh connection', async () => {
    const client = await start((socket, { line }, index) => {
      if (index === 0 && line.startsWith('POST')) socket.write(OK)
      else socket.resetAndDestroy()
    })
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'
    await client.ask(post)
    assert.is((await client.ask(post)).status, 502)
    assert.is(upstream().seen.length, 2)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream().seen.length, 3)
  })

  test('a second attempt is the last', async () => {
    const client = await start((socket, _, index) => {
      if (index === 0) socket.write(OK)
      else socket.destroy()
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream().seen.length, 3)
  })

  test('no second attempt once a byte of the answer is here', async () => {
    const client = await start((socket, _, index) => {
      if (index === 0) socket.write(OK)
      else socket.end('HTTP/1.1 2')
    })
    await client.ask(GET)
    assert.is((await client.ask(GET)).status, 502)
    assert.is(upstream().seen.length, 2)
  })

  test('the connection that was used last is used next', async () => {
    const sockets: Socket[] = []
    let answerSlow: () => void = () => undefined
    const client = await start((socket, { line }) => {
      sockets.push(socket)
      if (line.includes('/slow')) answerSlow = () => void socket.write(OK)
      else socket.write(OK)
    })
    const other = await connect()
    const slow = client.ask('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(() => upstream().seen.length === 1, 'the slow one is there')
    await other.ask(GET)
    answerSlow()
    await slow
    for (let i = 0; i < 5; i++) await other.ask(GET)
    assert.is(upstream().accepted, 2)
    // "slow" came back last.
    assert.ok(sockets.slice(2).every((socket) => socket === sockets[0]))
  })

  test('requests past the number of connections wait for one', async () => {
    const client = await start(
      (socket, { line }) => setTimeout(() => socket.write(OK), line.length),
      {
        maxConnections: 1,
      },
    )
    const others = await Promise.all([connect(), connect(), connect()])
    const all = [client, ...others].map((one) => one.ask(GET))
    for (const answer of await Promise.all(all)) assert.is(answer.status, 200)
    assert.is(upstream().accepted, 1)
  })

  test('an idle connection closes before the upstream closes it', async () => {
    const client = await start((socket) => socket.write(OK), {
      client: { keepAliveTimeoutMs: 100 },
    })
    await client.ask(GET)
    assert.is(upstream().accepted, 1)
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
  })

  test('a client that leaves takes its request at the upstream with it', async () => {
    const client = await start(() => undefined)
    client.write(GET)
    await until(() => upstream().seen.length > 0, 'it is there')
    client.close()
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
    await until(() => proxy().errors.length > 0, 'sending has failed')
    assert.equal(proxy().errors, ['UPSTREAM_ABORTED'])
  })

  test('a client that leaves in the middle of an answer ends the answer at the upstream', async () => {
    const client = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    })
    client.write(GET)
    await client.until(() => client.received.includes('hello'))
    client.close()
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
  })

  test('U38: an early answer that keeps its connection open does not keep it in the pool', async () => {
    const client = await startRaw((socket) => {
      socket.once('data', () => socket.write(OK))
    })
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello')
    assert.is((await client.answer())?.body, 'ok')
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
    const other = await connect()
    assert.is((await other.ask(GET)).body, 'ok')
    assert.is(upstream().accepted, 2)
  })
})
