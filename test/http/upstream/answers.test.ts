import { assert } from '../../support/suite.ts'
import { GET } from '../server-suite.ts'
import { forEachProxy, OK } from '../upstream-suite.ts'
import { valuesOf } from '../wire.ts'

forEachProxy('answers', (test, { upstream, start }) => {
  test('U14: interim answers nobody asked for are swallowed', async () => {
    const client = await start((socket) => {
      socket.write(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
      )
    })
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream().accepted, 1)
  })

  test('U17: the length of a 304 and of a HEAD goes on, without a body', async () => {
    const client = await start((socket, { line }) => {
      const status = line.startsWith('HEAD') ? '200 OK' : '304 Not Modified'
      socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 4\r\n\r\n`)
    })
    const same = await client.ask(GET)
    assert.equal([same.status, ...valuesOf(same, 'content-length')], [304, '4'])
    const head = await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal([head.status, ...valuesOf(head, 'content-length')], [200, '4'])
    assert.is(upstream().accepted, 1)
  })

  test('U39: a body after a HEAD closes the connection and goes nowhere', async () => {
    const client = await start((socket) => socket.write(OK))
    const head = await client.ask('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(valuesOf(head, 'content-length'), ['2'])
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream().accepted, 2)
  })

  test('U40: fifty cookies keep their number and order', async () => {
    const cookies = Array.from({ length: 50 }, (_, i) => `c${i}=${i}`)
    const client = await start((socket) => {
      const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('')
      socket.write(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`)
    })
    assert.equal(valuesOf(await client.ask(GET), 'set-cookie'), cookies)
  })

  test('U42: a 200 to a request with Upgrade is a 200', async () => {
    const client = await start((socket) => socket.write(OK))
    const answer = await client.ask(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    assert.is(answer.body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
  })

  test('hop-by-hop fields of an answer, and those that Connection names, stay behind', async () => {
    const client = await start((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=9\r\n' +
          'Proxy-Connection: x\r\nTrailer: a\r\nX-Outer: 2\r\nContent-Length: 0\r\n\r\n',
      )
    })
    const answer = await client.ask(GET)
    // One of the gateway's own is no field of the upstream.
    assert.not.ok(valuesOf(answer, 'connection').some((value) => value.includes('X-Inner')))
    for (const name of ['x-inner', 'keep-alive', 'proxy-connection', 'trailer']) {
      assert.equal(valuesOf(answer, name), [], name)
    }
    assert.equal(valuesOf(answer, 'x-outer'), ['2'])
  })

  test('an answer without a length ends with its connection, and comes to the client in chunks', async () => {
    const client = await start((socket, { line }) => {
      socket.end(`HTTP/1.${line.includes('/old') ? 0 : 1} 200 OK\r\n\r\nhello`)
    })
    for (const path of ['/', '/old']) {
      const answer = await client.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      assert.is(answer.body, 'hello')
    }
    assert.is(upstream().accepted, 2)
  })

  test('trailers travel both ways', async () => {
    const client = await start((socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nVary: x\r\n\r\n',
      )
    })
    const answer = await client.ask(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 3\r\n\r\n',
    )
    assert.is(answer.body, 'ok')
    assert.equal(answer.trailers, ['X-Sum', '7'])
    assert.is(upstream().seen[0]?.body, 'hi')
  })

  test('events pass one by one, as they come', async () => {
    let send: (text: string) => void = () => undefined
    const client = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
      send = (text) => void socket.write(text)
    })
    client.write(GET)
    await client.until(() => client.received.includes('\r\n\r\n'))
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      send(event)
      await client.until(() => client.received.includes(event))
    }
  })
})
