import { Cleanup, startGateway, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { closed, headOf, webSocketClients, yamlOf } from '../support/websocket-gateway.ts'
import { startWebSocketServer, type WebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/websocket-lifetime')

const cleanup = new Cleanup()
test.after.each(() => cleanup.run())

const { open, upgraded, connect } = webSocketClients(cleanup)

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
