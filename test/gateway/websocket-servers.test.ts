import type { Socket } from 'node:net'
import { acceptOf } from '../../host/http/websocket/handshake.ts'
import { WireClient } from '../http/wire.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'

// Which server gets a WebSocket. What becomes of one is tried in websocket.test.ts.
const test = suite('gateway/websocket-servers')

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

function yamlOf(pool: string): string {
  return `
kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules: [{ paths: [{ pathPrefix: /, backend: sockets }] }]
---
kind: Pipeline
name: sockets
filters: [{ name: ws, kind: WebSocketProxy, pools: [{ ${pool} }] }]
`
}

/** What the opening of a WebSocket is answered. */
async function statusOf(gateway: TestGateway): Promise<number> {
  const client = await WireClient.open(gateway.port)
  const head = [
    'GET / HTTP/1.1',
    'Host: chat.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ]
  client.write(`${head.join('\r\n')}\r\n\r\n`)
  await client.until(() => client.received.includes('\r\n\r\n') || client.hasEnded)
  client.close()
  return Number(/^HTTP\/1\.1 (\d+)/.exec(client.received)?.[1])
}

async function becomes(gateway: TestGateway, status: number): Promise<void> {
  await until(async () => (await statusOf(gateway)) === status, `it answers ${status}`)
}

/** One server, checked by WebSocket every 30 ms. */
function checkedPool(port: number, more = '', http = ''): string {
  return `servers: [{ url: "ws://127.0.0.1:${port}" }], healthCheck: { interval: 30ms, timeout: 5s, ${http} ws: { uri: /well, headers: { X-Check: yes }${more} } }`
}

test('a server that agrees to no WebSocket of a check gets none of a client until it does', async () => {
  let isWell = false
  const upstream = await startUpstream(cleanup)
  const checks: string[] = []
  const frames: (number | undefined)[] = []
  upstream.server.on('upgrade', (incoming, socket: Socket) => {
    const isCheck = incoming.headers['x-check'] === 'yes'
    if (isCheck) checks.push(incoming.url ?? '')
    socket.on('data', (bytes: Buffer) => {
      if (isCheck) frames.push(bytes[0])
    })
    for (const event of ['end', 'error']) socket.on(event, () => socket.destroy())
    cleanup.add(() => void socket.destroy())
    const accept = isWell ? acceptOf(incoming.headers['sec-websocket-key'] ?? '') : 'wrong'
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
  })
  const gateway = await startGateway(cleanup, yamlOf(checkedPool(upstream.port)))
  await becomes(gateway, 503)
  isWell = true
  await becomes(gateway, 101)
  assert.ok(checks.every((url) => url === '/well'))
  await until(() => frames.includes(0x88), 'a check ends with a close frame')
})

test('what a check must be answered can be chosen, and both kinds must pass', async () => {
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    outgoing.statusCode = incoming.url === '/http' ? 500 : 401
    outgoing.end()
  })
  const more = ', match: { statusCodes: [[401, 401]] }'
  const gateway = await startGateway(cleanup, yamlOf(checkedPool(upstream.port, more)))
  // The client gets what the server answers.
  await becomes(gateway, 401)
  const both = checkedPool(upstream.port, more, 'http: { uri: /http },')
  await gateway.write('gateway.yaml', yamlOf(both))
  assert.equal(await gateway.gateway.reload(), [])
  await becomes(gateway, 503)
})

test('a check that asks nothing is refused', async () => {
  const gateway = await startGateway(cleanup, yamlOf('servers: [{ url: "ws://127.0.0.1:1" }]'))
  const pool = 'servers: [{ url: "ws://127.0.0.1:1" }], healthCheck: { interval: 1s }'
  await gateway.write('gateway.yaml', yamlOf(pool))
  assert.match((await gateway.gateway.reload()).join(), '`http`, `ws` or both are needed')
})

test('servers come from a file, those with a tag that is asked for, and change with it', async () => {
  const first = await startWebSocketServer(cleanup)
  const second = await startWebSocketServer(cleanup)
  const listOf = (port: number): string =>
    JSON.stringify({
      servers: [
        { url: `ws://127.0.0.1:${port}`, tags: ['blue'] },
        { url: 'ws://127.0.0.1:1', tags: ['green'] },
      ],
    })
  const pool = 'serverTags: [blue], discovery: { file: { path: servers.json } }'
  const gateway = await startGateway(cleanup, yamlOf(pool), { 'servers.json': listOf(first.port) })
  assert.is(await statusOf(gateway), 101)
  assert.is(first.heads.length, 1)
  await gateway.write('servers.json', listOf(second.port))
  await until(async () => {
    assert.is(await statusOf(gateway), 101)
    return second.heads.length > 0
  }, 'the other server is asked')
})

test('every address of a name is a server', async () => {
  const { port, heads } = await startWebSocketServer(cleanup)
  const gateway = await startGateway(
    cleanup,
    yamlOf(`discovery: { dns: { host: localhost, port: ${port} } }`),
  )
  // Where localhost has an address of IPv6 too, nobody listens there.
  await until(async () => (await statusOf(gateway)) === 101, 'the name leads to the server')
  assert.match(heads[0] ?? '', `\r\nHost: localhost:${port}`)
})
