import { once } from 'node:events'
import { connect as netConnect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { unsentBytes } from '../../../host/http/native/pace.ts'
import { assert } from '../../support/suite.ts'
import { GET } from '../server-suite.ts'
import { forEachProxy } from '../upstream-suite.ts'
import { valuesOf } from '../wire.ts'

/** What the client sees past this is late, also on a machine that is busy. */
const LATE_MS = 10_000

forEachProxy('pace', (test, { proxy, start, startRaw }) => {
  test('U35: silence is answered 504 when the time for an answer is over', async () => {
    const client = await start(() => undefined, { timeoutMs: 400 })
    const startedAtMs = performance.now()
    assert.is((await client.ask(GET)).status, 504)
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 390 && tookMs < LATE_MS, `${tookMs} ms`)
    assert.equal(proxy().errors, ['UPSTREAM_TIMEOUT'])
  })

  test('a body that stands still breaks off', async () => {
    const client = await start(
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
      { client: { bodyIdleTimeoutMs: 200 } },
    )
    client.write(GET)
    await client.ended()
    assert.is(await client.answer(), null)
  })

  test('U37: an early refusal reaches a client that is still uploading', async () => {
    let received = 0
    const client = await startRaw((socket) => {
      socket.on('data', (chunk) => {
        received += chunk.length
        if (received < 100_000 || socket.writableEnded) return
        socket.end(
          'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        )
      })
    })
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n')
    const piece = 'x'.repeat(30_000)
    for (let i = 0; i < 300 && client.received === '' && !client.hasEnded; i++) {
      client.write(piece)
      await sleep(1)
    }
    const answer = await client.answer()
    assert.is(answer?.status, 413)
    assert.equal(valuesOf(answer ?? { fields: [] }, 'connection'), ['close'])
    await client.ended()
    assert.ok(received < 5_000_000, 'the upload was stopped')
  })

  test('a slow reader stops the upstream instead of filling memory', async () => {
    const total = 64 * 1024 * 1024
    const piece = Buffer.alloc(256 * 1024, 'x')
    let sent = 0
    const client = await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      const pump = (): void => {
        while (sent < total) {
          sent += piece.length
          if (!socket.write(piece)) {
            socket.once('drain', pump)
            return
          }
        }
      }
      pump()
    })
    client.socket.pause()
    client.write(GET)
    let before = -1
    while (before !== sent || sent === 0) {
      before = sent
      await sleep(50)
    }
    assert.ok(sent < total / 2, `${sent} bytes were taken`)
    client.socket.resume()
    await client.until(() => client.bytes >= total)
  })

  test('long bodies of many clients, slow and fast, arrive unmixed', async () => {
    // Echoes each request's body, which fills memory that is used over and over.
    await startRaw(
      (socket) => {
        let isHead = true
        socket.on('data', (chunk: Buffer) => {
          let body = chunk
          if (isHead) {
            isHead = false
            const end = chunk.indexOf('\r\n\r\n')
            const length = /content-length: (\d+)/i.exec(chunk.latin1Slice(0, end))?.[1]
            socket.write(
              `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`,
            )
            body = chunk.subarray(end + 4)
          }
          if (!socket.write(body)) {
            socket.pause()
            socket.once('drain', () => socket.resume())
          }
        })
      },
      { limits: { maxBodyBytes: -1 } },
    )
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const body = Buffer.alloc(3_000_000)
        for (let at = 0; at < body.length; at += 4) body.writeUInt32LE((at * 97 + i) >>> 0, at)
        const socket = netConnect({ port: proxy().port, host: '127.0.0.1' })
        const pieces: Buffer[] = []
        let received = 0
        socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
        socket.write(body)
        for await (const chunk of socket as AsyncIterable<Buffer>) {
          pieces.push(chunk)
          received += chunk.length
          if (i % 2 === 0) await sleep(2)
          if (received > body.length && Buffer.concat(pieces).includes('\r\n\r\n')) {
            const all = Buffer.concat(pieces)
            if (all.length - all.indexOf('\r\n\r\n') - 4 >= body.length) break
          }
        }
        const all = Buffer.concat(pieces)
        assert.ok(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body), `client ${i}`)
      }),
    )
  })

  test('an upstream that does not read stops the upload', async () => {
    const sockets: Socket[] = []
    const client = await startRaw((socket) => sockets.push(socket.pause()), {
      limits: { maxBodyBytes: -1 },
    })
    const total = 64 * 1024 * 1024
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    client.socket.write(Buffer.alloc(total, 'x'))
    // The kernel takes some megabytes; then nothing moves any more.
    let before = -1
    let taken = 0
    while (before !== taken || taken === 0) {
      before = taken
      await sleep(100)
      taken = client.socket.bytesWritten - unsentBytes(client.socket)
    }
    assert.ok(taken < total / 2, `${taken} bytes were taken`)
    // Somebody must still be able to leave.
    client.close()
    for (const socket of sockets) {
      socket.resume()
      await once(socket, 'close')
    }
  })
})
