import type { Socket } from 'node:net'
import { valuesOf, WireClient } from '../http/wire.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { frame, startWebSocketServer, type WebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/websocket')

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
/** The answer to it, from RFC 6455, section 1.3. */
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

interface Parts {
  readonly server?: string
  readonly pool?: string
  readonly filter?: string
}

function yamlOf(port: number, { server = '', pool = '', filter = '' }: Parts = {}): string {
  return `
kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
clientMaxBodySize: -1
${server}
rules:
  - paths:
      - { pathPrefix: /ws, backend: sockets }
      - { pathPrefix: /, backend: other }
---
kind: Pipeline
name: sockets
filters:
  - name: ws
    kind: WebSocketProxy
    ${filter}
    pools:
      - servers: [{ url: "ws://127.0.0.1:${port}" }]
        ${pool}
---
kind: Pipeline
name: other
filters:
  - name: mock
    kind: Mock
    rules: [{ code: 200, body: one }]
`
}

/** The opening of a WebSocket by hand. */
async function open(
  port: number,
  lines: readonly string[] = [],
  version = '13',
  key = KEY,
): Promise<WireClient> {
  const client = await WireClient.open(port)
  cleanup.add(() => client.close())
  const head = [
    'GET /ws/room?a=1 HTTP/1.1',
    'Host: chat.example',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Version: ${version}`,
    ...lines,
  ]
  client.write(`${head.join('\r\n')}\r\n\r\n`)
  return client
}

/** The head of the answer; what follows it stays in `received`. */
async function headOf(client: WireClient): Promise<string> {
  await client.until(() => client.received.includes('\r\n\r\n') || client.hasEnded)
  const end = client.received.indexOf('\r\n\r\n') + 4
  const head = client.received.slice(0, end)
  client.received = client.received.slice(end)
  return head
}

async function upgraded(gateway: TestGateway, lines: readonly string[] = []): Promise<WireClient> {
  const client = await open(gateway.port, lines)
  assert.match(await headOf(client), /^HTTP\/1\.1 101 /)
  return client
}

/** A client that Node brings along, with the messages it gets. */
async function connect(port: number, path = '/ws'): Promise<{ socket: WebSocket; got: string[] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  const got: string[] = []
  socket.addEventListener('message', (event) => got.push(String(event.data)))
  cleanup.add(() => socket.close())
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('the WebSocket did not open')))
  })
  return { socket, got }
}

function closed(socket: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => socket.addEventListener('close', resolve))
}

test('a WebSocket opens through the gateway, and messages of all sizes pass both ways', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(upstream.port, { pool: 'clientMaxMsgSize: -1\n        serverMaxMsgSize: -1' }),
  )
  const { socket, got } = await connect(gateway.port)
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000]
  for (const size of sizes) socket.send('x'.repeat(size))
  await until(() => got.length === sizes.length, 'all echoes', 20_000)
  assert.equal(
    got.map((text) => text.length),
    sizes,
  )
  const end = closed(socket)
  socket.close(1000, 'bye')
  assert.is((await end).code, 1000)
})

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

test('a message past the limit closes the WebSocket with 1009, on both sides', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(upstream.port, { pool: 'clientMaxMsgSize: 1000\n        serverMaxMsgSize: 500' }),
  )
  const { socket, got } = await connect(gateway.port)
  socket.send('x'.repeat(500))
  await until(() => got.length === 1, 'what fits passes')
  const first = closed(socket)
  socket.send('x'.repeat(1_001))
  assert.is((await first).code, 1009)
  await until(() => upstream.frames.at(-1)?.opcode === 8, 'the server hears of it')
  assert.is(upstream.frames.at(-1)?.payload.readUInt16BE(0), 1009)
  assert.ok(upstream.frames.every(({ payload }) => payload.length <= 500))
  // Of the server: it echoes 600 bytes.
  const second = await connect(gateway.port)
  const end = closed(second.socket)
  second.socket.send('x'.repeat(600))
  assert.is((await end).code, 1009)
  assert.equal(second.got, [])
})

test('fragments of a message count together, and 32 KiB are the limit when nothing is said', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const client = await upgraded(gateway)
  const half = Buffer.alloc(16_385)
  client.socket.write(frame(2, half, true, false))
  client.socket.write(frame(0, half, true, true))
  await client.ended()
  assert.ok(client.received.endsWith('\x88\x02\x03\xf1'), 'closed with 1009')
})

test('malformed frames close the WebSocket with 1002 and go nowhere', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const bad: readonly [string, Buffer][] = [
    ['without a mask', frame(1, Buffer.from('x'))],
    [
      'a reserved bit',
      Buffer.concat([Buffer.from([0xc1]), frame(1, Buffer.from('x'), true).subarray(1)]),
    ],
    ['an unknown opcode', frame(3, Buffer.from('x'), true)],
    ['a continuation of nothing', frame(0, Buffer.from('x'), true)],
    ['a control frame in fragments', frame(9, Buffer.from('x'), true, false)],
    ['a long control frame', frame(9, Buffer.alloc(126), true)],
    [
      'a message within a message',
      Buffer.concat([frame(1, Buffer.from('x'), true, false), frame(1, Buffer.from('x'), true)]),
    ],
    [
      'a frame after the close',
      Buffer.concat([frame(8, Buffer.alloc(0), true), frame(1, Buffer.from('x'), true)]),
    ],
  ]
  for (const [what, bytes] of bad) {
    const before = upstream.frames.filter(({ opcode }) => opcode !== 8).length
    const client = await upgraded(gateway)
    // In pieces, as a network may cut them.
    for (const byte of bytes) client.socket.write(Buffer.from([byte]))
    await client.ended()
    assert.match(client.received, /\x88\x02\x03\xea$/, what)
    const passed = upstream.frames.filter(({ opcode }) => opcode !== 8).slice(before)
    assert.ok(
      passed.every(({ isFinal }) => !isFinal),
      what,
    )
  }
})

test('a peer that does not read stops the other one, instead of filling memory', async () => {
  let upstreamSocket: Socket | undefined
  const upstream = await startWebSocketServer(cleanup, {
    onOpen: (socket) => {
      upstreamSocket = socket
    },
    onFrame: () => undefined,
  })
  const gateway = await startGateway(
    cleanup,
    yamlOf(upstream.port, { pool: 'clientMaxMsgSize: -1\n        serverMaxMsgSize: -1' }),
  )
  const client = await upgraded(gateway)
  client.socket.pause()
  const piece = frame(2, Buffer.alloc(64 * 1024))
  const total = 64 * 1024 * 1024
  let accepted = 0
  const before = process.memoryUsage().rss
  while (accepted < total && upstreamSocket?.write(piece) === true) accepted += piece.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  let sent = accepted
  while (
    sent < total &&
    upstreamSocket !== undefined &&
    upstreamSocket.writableLength < 1024 * 1024
  ) {
    upstreamSocket.write(piece)
    sent += piece.length
  }
  assert.ok(
    upstreamSocket !== undefined && upstreamSocket.writableLength > 0,
    'the server has to wait',
  )
  assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  client.socket.resume()
  await until(() => client.bytes >= sent, 'everything arrives once it is read', 20_000)
})

test('a WebSocket on which nothing travels is closed, one on which something does is not', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(upstream.port, { server: 'tunnelIdleTimeout: 2s' }),
  )
  const idle = await connect(gateway.port)
  const busy = await connect(gateway.port)
  const timer = setInterval(() => busy.socket.send('x'), 50)
  cleanup.add(() => clearInterval(timer))
  assert.is((await closed(idle.socket)).code, 1001)
  await until(() => busy.got.length > 60, 'the other one goes on', 20_000)
  assert.is(busy.socket.readyState, WebSocket.OPEN)
})

test('WebSockets past their number get 503, and one that has closed makes room', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port, { server: 'maxTunnels: 1' }))
  const first = await connect(gateway.port)
  const second = await open(gateway.port)
  assert.is((await second.answer())?.status, 503)
  const end = closed(first.socket)
  first.socket.close()
  await end
  await until(async () => {
    const client = await open(gateway.port)
    return (await headOf(client)).startsWith('HTTP/1.1 101')
  }, 'there is room again')
})

test('G28: open WebSockets outlive changes of the configuration, also of their own pipeline', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const yaml = yamlOf(upstream.port)
  const gateway = await startGateway(cleanup, yaml)
  const opened = await Promise.all(Array.from({ length: 20 }, () => connect(gateway.port)))
  for (let change = 0; change < 5; change++) {
    await gateway.write('gateway.yaml', yaml.replace('body: one', `body: "${change}"`))
    assert.equal(await gateway.gateway.reload(), [])
    assert.is((await gateway.get('/')).body, String(change))
  }
  // The exchange holds no generation: the former one of its own pipeline is gone, the WebSocket is not.
  await gateway.write(
    'gateway.yaml',
    yaml.replace('pools:', 'defaultOrigin: http://b.example\n    pools:'),
  )
  assert.equal(await gateway.gateway.reload(), [])
  for (const { socket } of opened) socket.send('still here')
  await until(
    () => opened.every(({ got }) => got.length === 1),
    'every one of them answers',
    20_000,
  )
})

test('G28: when the gateway closes, WebSockets are closed with 1001 at the deadline', async () => {
  const upstream: WebSocketServer = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port), {}, { drainMs: 3_000 })
  const { socket, got } = await connect(gateway.port)
  const end = closed(socket)
  const startedAtMs = performance.now()
  const stopped = gateway.gateway.close()
  socket.send('before the deadline')
  await until(() => got.length === 1, 'it serves until then')
  assert.is((await end).code, 1001)
  assert.ok(performance.now() - startedAtMs >= 2_990)
  await stopped
  await until(() => upstream.frames.at(-1)?.opcode === 8, 'the server hears of it')
})

test('a client that vanishes takes its connection to the server with it, and the other way round', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  const client = await upgraded(gateway)
  client.socket.resetAndDestroy()
  await until(() => upstream.sockets[0]?.destroyed === true, 'the server is told')
  const other = await upgraded(gateway)
  upstream.sockets[1]?.resetAndDestroy()
  await other.ended()
})

test('the access log has a line for a WebSocket when it opens', async () => {
  const upstream = await startWebSocketServer(cleanup)
  const gateway = await startGateway(cleanup, yamlOf(upstream.port))
  await upgraded(gateway)
  await until(() => gateway.lines.some((line) => line.includes('101')), 'a line')
})
