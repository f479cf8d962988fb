import { valuesOf } from '../http/wire.ts'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { ACCEPT, headOf, KEY, webSocketClients, yamlOf } from '../support/websocket-gateway.ts'
import { frame, startWebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/websocket-handshake')

const cleanup = new Cleanup()
test.after.each(() => cleanup.run())

const { open, upgraded } = webSocketClients(cleanup)

test('the handshake goes on with key, version, protocols and extensions, and comes back whole', async () => {
  const upstream = await startWebSocketServer(cleanup, {
    lines: ['Sec-WebSocket-Protocol: chat.v2', 'Sec-WebSocket-Extensions: permessage-deflate'],
  })
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const client = await open(gateway.port, [
    'Sec-WebSocket-Protocol: chat.v1, chat.v2',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
    'X-Forwarded-For: 6.6.6.6',
    'Cookie: a=b',
  ])
  const head = await headOf(client)
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  assert.match(head, /\r\nupgrade: websocket\r\n/i)
  assert.match(head, /\r\nconnection: upgrade\r\n/i)
  assert.ok(head.includes(`Sec-WebSocket-Accept: ${ACCEPT}\r\n`), head)
  assert.match(head, /\r\nSec-WebSocket-Protocol: chat\.v2\r\n/)
  assert.match(head, /\r\nSec-WebSocket-Extensions: permessage-deflate\r\n/)
  const asked = upstream.heads[0] ?? ''
  assert.match(asked, /^GET \/ws\/room\?a=1 HTTP\/1\.1\r\n/)
  for (const line of [
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: chat.v1, chat.v2',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'X-Forwarded-For: 127.0.0.1',
    'Cookie: a=b',
  ]) {
    assert.ok(asked.split('\r\n').includes(line), `${line} in ${asked}`)
  }
})

test('bytes that come with a head are part of the WebSocket', async () => {
  const upstream = await startWebSocketServer(cleanup, {
    onOpen: (socket) => socket.write(frame(1, Buffer.from('hello'))),
  })
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const client = await upgraded(gateway)
  await client.until(() => client.received.includes('hello'))
})

test('what is no handshake is refused, and nobody is asked', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const plain = await gateway.get('/ws')
  assert.is(plain.status, 426)
  assert.is(plain.headers['sec-websocket-version'], '13')
  for (const [version, key, status] of [
    ['8', KEY, 426],
    ['13', 'short', 400],
    ['13', 'dGhlIHNhbXBsZSBub25jZR==', 400],
  ] as const) {
    const client = await open(gateway.port, [], version, key)
    assert.is((await client.answer())?.status, status, `${version} ${key}`)
  }
  const twice = await open(gateway.port, [`Sec-WebSocket-Key: ${KEY}`])
  assert.is((await twice.answer())?.status, 400)
  assert.equal(upstream.heads, [])
})

test('an upstream that agrees to something else than was asked gets 502 for its client', async () => {
  const heads = [
    'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n',
    `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: other\r\n\r\n`,
    `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Extensions: x-other\r\n\r\n`,
    `HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
  ]
  for (const head of heads) {
    const upstream = await startWebSocketServer(cleanup, { head })
    const gateway = await startGateway(cleanup, yamlOf(upstream.port))
    const client = await open(gateway.port)
    assert.is((await client.answer())?.status, 502, head)
    await until(() => upstream.sockets[0]?.destroyed === true, 'its connection closes')
  }
})

test('U42: an upstream that answers 200 to the upgrade has answered 200, and there is no tunnel', async () => {
  const upstream = await startWebSocketServer(cleanup, {
    head: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno',
  })
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const client = await open(gateway.port)
  const answer = await client.answer()
  assert.is(answer?.status, 200)
  assert.is(answer?.body, 'no')
  assert.equal(valuesOf(answer ?? { fields: [] }, 'upgrade'), [])
})

test('503 when no server can be reached', async () => {
  const gateway = await startGateway(cleanup, yamlOf(1))
  const client = await open(gateway.port)
  assert.is((await client.answer())?.status, 503)
})

test('a Proxy opens no WebSocket: its upstream sees a plain GET', async () => {
  const upstream = await startUpstream(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(1).replace(
      /filters:\n {2}- name: ws[\s\S]*?---/,
      `filters:\n  - name: ws\n    kind: Proxy\n    pools: [{ servers: [{ url: "${upstream.url}" }] }]\n---`,
    ),
  )
  const client = await open(gateway.port)
  assert.is((await client.answer())?.status, 200)
  assert.is(upstream.requests[0]?.headers['upgrade'], undefined)
})

test('pages of other hosts are refused, unless their host is let in', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(upstream.port, { pool: 'originPatterns: ["*.friend.example"]' }),
  )
  for (const [origin, isLetIn] of [
    ['https://chat.example', true],
    ['https://CHAT.example', true],
    ['https://a.friend.example', true],
    ['https://friend.example', false],
    ['https://evil.example', false],
    ['https://evil.example/.friend.example', false],
    ['null', false],
  ] as const) {
    const client = await open(gateway.port, [`Origin: ${origin}`])
    assert.match(await headOf(client), isLetIn ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 403 /, origin)
  }
  assert.is(upstream.heads.length, 3)
})

test('insecureSkipVerify lets every page in; defaultOrigin stands in for one that is missing', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const parts = { pool: 'insecureSkipVerify: true', filter: 'defaultOrigin: http://own.example' }
  const gateway = await startGateway(cleanup, yamlOf(upstream.port, parts))
  await upgraded(gateway, ['Origin: https://evil.example'])
  await upgraded(gateway)
  assert.match(upstream.heads[0] ?? '', /\r\nOrigin: https:\/\/evil\.example/)
  assert.match(upstream.heads[1] ?? '', /\r\nOrigin: http:\/\/own\.example/)
})

test('the access log has a line for a WebSocket when it opens', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  await upgraded(gateway)
  await until(() => gateway.lines.some((line) => line.includes('101')), 'a line')
})
