import type { Socket } from 'node:net'
import { Cleanup, startGateway, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { closed, webSocketClients, yamlOf } from '../support/websocket-gateway.ts'
import { frame, startWebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/websocket-messages')

const cleanup = new Cleanup()
test.after.each(() => cleanup.run())

const { upgraded, connect } = webSocketClients(cleanup)

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
