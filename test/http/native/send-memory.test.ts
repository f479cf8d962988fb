import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Body, type BodySource } from '../../../host/exchange/body.ts'
import { BodyWriter, IN_CHUNKS } from '../../../host/http/native/body-writer.ts'
import { SEND_SIZE, SendMemory } from '../../../host/http/native/send-memory.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('http/native/send-memory')

/** A connection: what is written to `socket`, whose messages are read from `peer`. */
interface Pair {
  readonly socket: Socket
  readonly peer: Socket
  close(): void
}

async function connectPair(): Promise<Pair> {
  const server: Server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [Socket],
    unknown,
  ]
  const close = (): void => {
    socket.destroy()
    peer.destroy()
    server.close()
  }
  return { socket, peer, close }
}

/** All that comes until the writer has ended. */
async function readAll(peer: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  peer.on('data', (chunk: Buffer) => chunks.push(chunk))
  peer.resume()
  await once(peer, 'end')
  return Buffer.concat(chunks)
}

function writeMessage(memory: SendMemory, socket: Socket, text: string): void {
  memory.begin()
  memory.text(text)
  memory.send(socket, true)
}

test('what a socket has not taken yet is never written over', async () => {
  const memory = new SendMemory()
  const slow = await connectPair()
  const other = await connectPair()
  try {
    const message = 'a'.repeat(SEND_SIZE)
    let written = 0
    while (slow.socket.writableLength === 0) {
      writeMessage(memory, slow.socket, message)
      written += SEND_SIZE
      assert.ok(written < 256 * 1024 * 1024, 'the kernel takes no end')
      // The kernels of both sides move what they hold.
      if (slow.socket.writableLength === 0) await wait(0)
    }
    writeMessage(memory, slow.socket, message)
    written += SEND_SIZE
    for (let i = 0; i < 4; i++) writeMessage(memory, other.socket, 'b'.repeat(SEND_SIZE))
    slow.socket.end()
    other.socket.end()
    const [bytes, others] = await Promise.all([readAll(slow.peer), readAll(other.peer)])
    assert.is(bytes.length, written)
    assert.ok(bytes.equals(Buffer.alloc(written, 'a')))
    assert.ok(others.equals(Buffer.alloc(4 * SEND_SIZE, 'b')))
  } finally {
    slow.close()
    other.close()
  }
})

test('a message that was not finished leaves nothing in the next one', async () => {
  const memory = new SendMemory()
  const { socket, peer, close } = await connectPair()
  try {
    memory.begin()
    memory.text('of somebody else')
    writeMessage(memory, socket, 'mine')
    socket.end()
    assert.is((await readAll(peer)).toString(), 'mine')
  } finally {
    close()
  }
})

const SOURCE: BodySource = {
  resume: () => undefined,
  pause: () => undefined,
  cancel: () => undefined,
}

/** A sender of messages, with what it has told its owner. */
function writerOn(socket: Socket): BodyWriter {
  return new BodyWriter(socket, { onBodySent: () => undefined, onBodyBroken: () => undefined })
}

test('messages around the size of the memory arrive whole, as text and as bytes', async () => {
  const fields = `X-Long: ${'v'.repeat(5_000)}\r\n`
  let wanted = ''
  const { socket, peer, close } = await connectPair()
  try {
    const writer = writerOn(socket)
    for (const size of [0, 1, 8_192, 11_317, 11_318, 11_319, 11_320, 16_384, 20_000]) {
      const text = '\xe9'.repeat(size)
      for (const body of [Body.latin1(text), Body.bytes(Buffer.from(text, 'latin1'))]) {
        writer.sendWhole('START\r\n', fields, 'Added: 1\r\n', body)
        assert.is(writer.sentBytes, size)
        wanted += `START\r\n${fields}Added: 1\r\ncontent-length: ${size}\r\n\r\n${text}`
      }
    }
    for (const length of [1, 16_363, 16_364, 16_365, 16_366, 40_000]) {
      const lines = `A: ${'b'.repeat(length)}\r\n`
      writer.sendHead('START\r\n', lines, '')
      assert.is(writer.sentBytes, 0)
      wanted += `START\r\n${lines}\r\n`
    }
    socket.end()
    assert.ok((await readAll(peer)).equals(Buffer.from(wanted, 'latin1')))
  } finally {
    close()
  }
})

test('pieces of a stream arrive whole behind a head of any size', async () => {
  let wanted = ''
  const { socket, peer, close } = await connectPair()
  try {
    const writer = writerOn(socket)
    for (const headSize of [10, 8_000, 8_170, 8_180, 8_190, 20_000]) {
      const fields = `A: ${'b'.repeat(headSize)}\r\n`
      const body = Body.stream(SOURCE)
      body.push(Buffer.alloc(8_192, '1'))
      writer.sendStream('START\r\n', fields, '', body, IN_CHUNKS)
      body.push(Buffer.alloc(8_193, '2'))
      body.push(Buffer.alloc(3, '3'))
      body.end()
      wanted +=
        `START\r\n${fields}transfer-encoding: chunked\r\n\r\n` +
        `2000\r\n${'1'.repeat(8_192)}\r\n2001\r\n${'2'.repeat(8_193)}\r\n3\r\n333\r\n0\r\n\r\n`
      assert.is(writer.sentBytes, 16_388)
    }
    socket.end()
    assert.is((await readAll(peer)).toString(), wanted)
  } finally {
    close()
  }
})
