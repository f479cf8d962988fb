import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Body, type BodySource } from '../../../host/exchange/body.ts'
import { BodyWriter, BY_LENGTH } from '../../../host/http/native/body-writer.ts'
import { OUTBOX_MESSAGE_BYTES, OUTBOX_MESSAGES, Outbox } from '../../../host/http/native/outbox.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('http/native/outbox')

/** Connections to write to, and what came at the other end of each. */
interface Rig {
  readonly sockets: readonly Socket[]
  /** Ends all of them and reads the rest. */
  received(): Promise<string[]>
  close(): void
}

async function connectMany(count: number): Promise<Rig> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets: Socket[] = []
  const texts: string[] = []
  const ends: Promise<unknown>[] = []
  const peers: Socket[] = []
  for (let i = 0; i < count; i++) {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const socket = connect(port, '127.0.0.1')
    const [[peer]] = await Promise.all([accepted, once(socket, 'connect')])
    texts.push('')
    peer.on('data', (chunk: Buffer) => {
      texts[i] += chunk.latin1Slice()
    })
    ends.push(once(peer, 'close'))
    peer.on('error', () => undefined)
    sockets.push(socket)
    peers.push(peer)
  }
  return {
    sockets,
    received: async () => {
      for (const socket of sockets) if (!socket.destroyed) socket.end()
      await Promise.all(ends)
      return texts
    },
    close: () => {
      for (const socket of [...sockets, ...peers]) socket.destroy()
      server.close()
    },
  }
}

function push(outbox: Outbox, socket: Socket, text: string): void {
  outbox.next.begin()
  outbox.next.text(text)
  outbox.push(socket)
}

/** A turn of the event loop in which everything that was scheduled before has run. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

test('messages of a turn leave at its end, each to its socket and in their order', async () => {
  const outbox = new Outbox()
  const rig = await connectMany(3)
  try {
    const [a, b, c] = rig.sockets as [Socket, Socket, Socket]
    push(outbox, a, 'a1 ')
    push(outbox, b, 'b1 ')
    push(outbox, a, 'a2 ')
    push(outbox, c, 'c1 ')
    assert.equal(
      rig.sockets.map(({ bytesWritten }) => bytesWritten),
      [0, 0, 0],
    )
    await nextTurn()
    assert.equal(
      rig.sockets.map(({ bytesWritten }) => bytesWritten),
      [6, 3, 3],
    )
    push(outbox, b, 'b2')
    await nextTurn()
    assert.equal(await rig.received(), ['a1 a2 ', 'b1 b2', 'c1 '])
  } finally {
    rig.close()
  }
})

test('when it is full everything leaves, and what does not is not lost', async () => {
  const outbox = new Outbox()
  const rig = await connectMany(1)
  try {
    const [socket] = rig.sockets as [Socket]
    const message = 'm'.repeat(OUTBOX_MESSAGE_BYTES)
    for (let i = 0; i < OUTBOX_MESSAGES + 3; i++) push(outbox, socket, message)
    assert.is(socket.bytesWritten + socket.writableLength, OUTBOX_MESSAGES * message.length)
    await nextTurn()
    const [text] = await rig.received()
    assert.is(text?.length, (OUTBOX_MESSAGES + 3) * message.length)
  } finally {
    rig.close()
  }
})

test('a socket that is gone takes only its own message with it', async () => {
  const outbox = new Outbox()
  const rig = await connectMany(3)
  try {
    const [a, b, c] = rig.sockets as [Socket, Socket, Socket]
    push(outbox, a, 'a')
    push(outbox, b, 'b')
    push(outbox, c, 'c')
    b.destroy()
    await nextTurn()
    assert.equal(await rig.received(), ['a', '', 'c'])
  } finally {
    rig.close()
  }
})

test('one write that throws costs its connection, and the others get theirs', async () => {
  const outbox = new Outbox()
  const rig = await connectMany(2)
  try {
    const [a, b] = rig.sockets as [Socket, Socket]
    a.write = () => {
      throw new Error('as if')
    }
    push(outbox, a, 'a')
    push(outbox, b, 'b')
    await nextTurn()
    assert.ok(a.destroyed)
    assert.equal(await rig.received(), ['', 'b'])
  } finally {
    rig.close()
  }
})

const SOURCE: BodySource = {
  resume: () => undefined,
  pause: () => undefined,
  cancel: () => undefined,
}

test('a message that waits is out before a stream, a large message, a write past it, or the end', async () => {
  const rig = await connectMany(4)
  try {
    const writers = rig.sockets.map(
      (socket) =>
        new BodyWriter(socket, { onBodySent: () => undefined, onBodyBroken: () => undefined }),
    )
    for (const writer of writers) writer.sendHead('FIRST\r\n', '', '')
    const [streaming, large, past, ending] = writers as [
      BodyWriter,
      BodyWriter,
      BodyWriter,
      BodyWriter,
    ]
    const body = Body.stream(SOURCE, 4)
    streaming.sendStream('SECOND\r\n', '', '', body, BY_LENGTH)
    body.push(Buffer.from('body'))
    body.end(null)
    large.sendHead('SECOND\r\n', `A: ${'b'.repeat(20_000)}\r\n`, '')
    past.socket.write('SECOND')
    ending.socket.end()
    const first = 'FIRST\r\n\r\n'
    assert.equal(await rig.received(), [
      `${first}SECOND\r\ncontent-length: 4\r\n\r\nbody`,
      `${first}SECOND\r\nA: ${'b'.repeat(20_000)}\r\n\r\n`,
      `${first}SECOND`,
      first,
    ])
  } finally {
    rig.close()
  }
})
