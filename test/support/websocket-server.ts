import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Cleanup } from './gateway.ts'

/** A message of a client, without its mask. */
export interface SeenFrame {
  readonly opcode: number
  readonly isFinal: boolean
  readonly payload: Buffer
}

export interface WebSocketServer {
  readonly port: number
  /** Heads of the requests it was asked with. */
  readonly heads: string[]
  readonly sockets: Socket[]
  readonly frames: SeenFrame[]
}

export interface WebSocketServerOptions {
  /** Lines of the answer beside the usual ones, or the whole head in place of it. */
  readonly lines?: readonly string[]
  readonly head?: string
  /** Called for each whole frame; echoes data frames and close frames when absent. */
  readonly onFrame?: (socket: Socket, frame: SeenFrame) => void
  readonly onOpen?: (socket: Socket) => void
}

/** A WebSocket server by hand: it answers handshakes, takes frames apart and echoes them. */
export async function startWebSocketServer(
  cleanup: Cleanup,
  options: WebSocketServerOptions = {},
): Promise<WebSocketServer> {
  const seen = {
    port: 0,
    heads: [] as string[],
    sockets: [] as Socket[],
    frames: [] as SeenFrame[],
  }
  const server = createServer({ noDelay: true }, (socket) => {
    seen.sockets.push(socket)
    socket.on('error', () => socket.destroy())
    let bytes: Buffer = Buffer.alloc(0)
    let isOpen = false
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!isOpen) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = bytes.latin1Slice(0, end)
        bytes = bytes.subarray(end + 4)
        seen.heads.push(head)
        isOpen = true
        socket.write(options.head ?? answerTo(head, options.lines ?? []), 'latin1')
        options.onOpen?.(socket)
      }
      for (;;) {
        const taken = takeFrame(bytes)
        if (taken === null) return
        bytes = bytes.subarray(taken.length)
        seen.frames.push(taken.frame)
        if (options.onFrame !== undefined) options.onFrame(socket, taken.frame)
        else echo(socket, taken.frame)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  seen.port = (server.address() as AddressInfo).port
  cleanup.add(() => {
    for (const socket of seen.sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return seen
}

/** A frame as a server sends it; clients mask theirs. */
export function frame(opcode: number, payload: Buffer, isMasked = false, isFinal = true): Buffer {
  const { length } = payload
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + size + (isMasked ? 4 : 0))
  head[0] = (isFinal ? 0x80 : 0) | opcode
  head[1] = (isMasked ? 0x80 : 0) | (size === 0 ? length : size === 2 ? 126 : 127)
  if (size === 2) head.writeUInt16BE(length, 2)
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2)
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, payload])
}

function answerTo(head: string, lines: readonly string[]): string {
  const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? ''
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  const all = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
  ]
  return `${all.join('\r\n')}\r\n\r\n`
}

function echo(socket: Socket, { opcode, isFinal, payload }: SeenFrame): void {
  socket.write(frame(opcode, payload, false, isFinal))
  if (opcode === 8) socket.end()
}

function takeFrame(bytes: Buffer): { frame: SeenFrame; length: number } | null {
  if (bytes.length < 2) return null
  const short = (bytes[1] as number) & 0x7f
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0
  const isMasked = ((bytes[1] as number) & 0x80) !== 0
  const start = 2 + extended + (isMasked ? 4 : 0)
  if (bytes.length < start) return null
  const length =
    extended === 8
      ? Number(bytes.readBigUInt64BE(2))
      : extended === 2
        ? bytes.readUInt16BE(2)
        : short
  if (bytes.length < start + length) return null
  const payload = Buffer.from(bytes.subarray(start, start + length))
  for (let i = 0; isMasked && i < length; i++) {
    payload[i] = (payload[i] as number) ^ (bytes[start - 4 + (i % 4)] as number)
  }
  const first = bytes[0] as number
  return {
    frame: { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, payload },
    length: start + length,
  }
}
