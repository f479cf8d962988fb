import { setTimeout as sleep } from 'node:timers/promises'
import { Body } from '../../../host/exchange/body.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { codeOf, forEachClient, reply, textOf } from '../client-suite.ts'

forEachClient('connections', (test, { upstream, client, start, send }) => {
  test('uses a connection again, and the one used last first', async () => {
    await start((socket) => socket.write(reply('ok')))
    for (let i = 0; i < 5; i++) await textOf(await send())
    assert.is(upstream().accepted, 1)
    await Promise.all(Array.from({ length: 4 }, () => send().then(textOf)))
    await Promise.all(Array.from({ length: 4 }, () => send().then(textOf)))
    assert.is(upstream().accepted, 4)
  })

  test('sends again what a server closed an idle connection on', async () => {
    await start((socket, _, index) => {
      if (index === 1) socket.destroy()
      else socket.write(reply(String(index)))
    })
    assert.is(await textOf(await send()), '0')
    assert.is(await textOf(await send()), '2')
    assert.is(upstream().seen.length, 3)
  })

  test('does not send a POST twice', async () => {
    await start((socket, _, index) => {
      if (index === 1) socket.destroy()
      else socket.write(reply('ok'))
    })
    await textOf(await send())
    const post = send({ method: 'POST', body: Body.text('x') })
    assert.is(await codeOf(post), 'UPSTREAM_INVALID')
    assert.is(upstream().seen.length, 2)
  })

  test('never has more connections than allowed', async () => {
    let running = 0
    let most = 0
    await start(
      (socket) => {
        running += 1
        most = Math.max(most, running)
        setTimeout(() => {
          running -= 1
          socket.write(reply('ok'))
        }, 5)
      },
      { maxConnections: 2 },
    )
    await Promise.all(Array.from({ length: 10 }, () => send().then(textOf)))
    assert.ok(most <= 2 && upstream().accepted <= 2, `${most} at a time`)
    assert.is(upstream().seen.length, 10)
  })

  test('serves who waits for a connection in order', async () => {
    await start((socket) => socket.write(reply('ok')), { maxConnections: 1 })
    const targets = Array.from({ length: 10 }, (_, i) => `/${i}`)
    await Promise.all(targets.map((target) => send({ target }).then(textOf)))
    assert.equal(
      upstream().seen.map(({ line }) => line.split(' ')[1]),
      targets,
    )
  })

  test('does not take bytes that come unasked for the answer of the next request', async () => {
    await start((socket, _, index) => {
      socket.write(index === 0 ? `${reply('first')}${reply('poison')}` : reply('second'))
    })
    assert.is(await textOf(await send()), 'first')
    await sleep(20)
    assert.is(await textOf(await send()), 'second')
  })

  test('closes the connection of an answer that nobody wants', async () => {
    await start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'))
    const response = await send()
    response.body.cancel(new Error('not wanted'))
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
  })

  test('closes idle connections when it is closed, and takes nothing more', async () => {
    await start((socket) => socket.write(reply('ok')))
    await textOf(await send())
    await client().close()
    await client().close()
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
  })
})
