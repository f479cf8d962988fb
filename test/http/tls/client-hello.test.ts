import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import {
  MAX_HELLO_BYTES,
  MAX_HELLO_RECORDS,
  readClientHello,
} from '../../../host/http/tls/client-hello.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('http/tls/client-hello')

/** The first message a real client sends. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ...options })
  client.on('error', () => client.destroy())
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}

/** The message of one record in records of `size` bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

const CHECK = { servername: 'A.Example.com', ALPNProtocols: ['acme-tls/1'] }

test('finds the name and the protocols of TLS 1.2 and 1.3', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const hello = await helloOf({ ...CHECK, maxVersion })
    assert.equal(readClientHello(hello), {
      serverName: 'a.example.com',
      protocols: ['acme-tls/1'],
    })
  }
  const browser = await helloOf({ servername: 'b.test', ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(readClientHello(browser), { serverName: 'b.test', protocols: ['h2', 'http/1.1'] })
  assert.equal(readClientHello(await helloOf({})), { serverName: '', protocols: [] })
})

test('asks for more until the message is whole, however it is cut', async () => {
  const hello = await helloOf(CHECK)
  const inMany = inRecords(hello, Math.ceil((hello.length - 5) / MAX_HELLO_RECORDS))
  for (const bytes of [hello, inRecords(hello, 1_000), inMany]) {
    for (let length = 0; length < bytes.length; length++) {
      assert.is(readClientHello(bytes.subarray(0, length)), 'more', `${length} bytes`)
    }
    const found = readClientHello(bytes)
    assert.is(found !== null && found !== 'more' && found.serverName, 'a.example.com')
  }
})

test('leaves what is no such message to the TLS server', async () => {
  assert.is(readClientHello(Buffer.from('GET / HTTP/1.1\r\n\r\n')), null)
  assert.is(readClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), null)
  assert.is(readClientHello(Buffer.from([22, 3, 1, 0, 0, 22])), null)
  assert.is(readClientHello(inRecords(await helloOf(CHECK), 3)), null)
  const huge = Buffer.from([22, 3, 1, 0x40, 0, 1, 1, 0, 0])
  assert.ok(huge.readUIntBE(6, 3) > MAX_HELLO_BYTES)
  assert.is(readClientHello(huge), null)
})

test('no byte that is wrong breaks it', async () => {
  const hello = await helloOf(CHECK)
  for (let at = 0; at < hello.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const broken = Buffer.from(hello)
      broken[at] = value
      const found = readClientHello(broken)
      assert.ok(found === null || found === 'more' || Array.isArray(found.protocols))
    }
  }
})
