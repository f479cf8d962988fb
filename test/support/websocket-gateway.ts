import { WireClient } from '../http/wire.ts'
import type { Cleanup, TestGateway } from './gateway.ts'
import { assert } from './suite.ts'

/** What a client asks with. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
/** The answer to it, from RFC 6455, section 1.3. */
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

/** Further fields, as YAML. */
interface Parts {
  readonly server?: string
  readonly pool?: string
  readonly filter?: string
}

/** A server whose `/ws` is a WebSocketProxy to this port of this machine, and everything else answers by itself. */
export function yamlOf(port: number, { server = '', pool = '', filter = '' }: Parts = {}): string {
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

/** The head of the answer; what follows it stays in `received`. */
export async function headOf(client: WireClient): Promise<string> {
  await client.until(() => client.received.includes('\r\n\r\n') || client.hasEnded)
  const end = client.received.indexOf('\r\n\r\n') + 4
  const head = client.received.slice(0, end)
  client.received = client.received.slice(end)
  return head
}

/** Resolves when it is closed, with why. */
export function closed(socket: WebSocket): Promise<CloseEvent> {
  return new Promise((resolve) => socket.addEventListener('close', resolve))
}

/** A client with the messages it gets. */
export interface MessageClient {
  readonly socket: WebSocket
  readonly got: string[]
}

/** Ways to open a WebSocket through a gateway. */
export interface WebSocketClients {
  /** The opening of a WebSocket by hand. */
  open(port: number, lines?: readonly string[], version?: string, key?: string): Promise<WireClient>
  /** The same, and it is open. */
  upgraded(gateway: TestGateway, lines?: readonly string[]): Promise<WireClient>
  /** A client that Node brings along, with the messages it gets. */
  connect(port: number, path?: string): Promise<MessageClient>
}

/** Clients that `cleanup` closes. */
export function webSocketClients(cleanup: Cleanup): WebSocketClients {
  const open = async (
    port: number,
    lines: readonly string[] = [],
    version = '13',
    key = KEY,
  ): Promise<WireClient> => {
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

  const upgraded = async (
    gateway: TestGateway,
    lines: readonly string[] = [],
  ): Promise<WireClient> => {
    const client = await open(gateway.port, lines)
    assert.match(await headOf(client), /^HTTP\/1\.1 101 /)
    return client
  }

  const connect = async (port: number, path = '/ws'): Promise<MessageClient> => {
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

  return { open, upgraded, connect }
}
