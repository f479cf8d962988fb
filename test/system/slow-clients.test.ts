import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { Cleanup, fetchFrom, startUpstream, until } from '../support/gateway.ts'
import { freePort } from '../support/nginx.ts'
import { serve } from '../support/serve.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('system/slow-clients', { timeoutMs: 200_000 })

const CLIENTS = 1_000
const ANSWER_BYTES = 10 * 1024 * 1024
/** What a slow reader may cost in resident memory; the rest of its answer waits at the upstream. */
const MAX_BYTES_PER_CLIENT = 256 * 1024
const MiB = 1024 * 1024

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

interface Rig {
  readonly port: number
  /** Bytes of resident memory. */
  rss(): Promise<number>
}

async function start(engine: string): Promise<Rig> {
  const piece = Buffer.alloc(64 * 1024)
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    if (incoming.url !== '/big') {
      outgoing.end('small')
      return
    }
    outgoing.setHeader('content-length', ANSWER_BYTES)
    let sent = 0
    const write = (): void => {
      while (sent < ANSWER_BYTES) {
        sent += piece.length
        if (!outgoing.write(piece)) return
      }
      outgoing.end()
    }
    outgoing.on('drain', write)
    write()
  })
  const port = await freePort()
  const yaml = `kind: HTTPServer
name: server
port: ${port}
address: 127.0.0.1
maxConnections: 20000
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - name: proxy
    kind: Proxy
    pools: [{ maxConnections: 4096, servers: [{ url: "${upstream.url}" }] }]
`
  const args = ['--admin-address', 'none', '--http-engine', engine, '--drain-timeout', '1']
  const served = await serve(cleanup, { 'gateway.yaml': yaml }, [...args, '--no-access-log'])
  return {
    port,
    rss: async () => {
      const text = await readFile(`/proc/${served.process.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024
    },
  }
}

/** Fast requests while others are slow: every one has to be answered, and none has to wait for them. */
async function askMany(port: number, count: number): Promise<number> {
  let slowestMs = 0
  for (let i = 0; i < count; i++) {
    const startedAtMs = performance.now()
    const { status, body } = await fetchFrom(port, '/')
    assert.is(status, 200)
    assert.is(body, 'small')
    slowestMs = Math.max(slowestMs, performance.now() - startedAtMs)
  }
  return slowestMs
}

for (const engine of ['native', 'node']) {
  test(`${engine}: 1,000 clients that read 1 KB a second of 10 MB cost little, and nobody else waits`, async () => {
    const rig = await start(engine)
    await askMany(rig.port, 50)
    const before = await rig.rss()
    const read: number[] = new Array(CLIENTS).fill(0)
    const sockets = read.map((_, i) =>
      slowReader(rig.port, (bytes) => {
        read[i] = (read[i] as number) + bytes
      }),
    )
    cleanup.add(() => {
      for (const socket of sockets) socket.destroy()
    })
    await until(() => read.every((bytes) => bytes > 0), 'every one of them reads', 100_000)
    const timer = setInterval(() => {
      for (const socket of sockets) socket.resume()
    }, 1_000)
    cleanup.add(() => clearInterval(timer))
    let most = 0
    let slowestMs = 0
    for (let round = 0; round < 5; round++) {
      slowestMs = Math.max(slowestMs, await askMany(rig.port, 20))
      most = Math.max(most, await rig.rss())
      await new Promise((resolve) => setTimeout(resolve, 800))
    }
    const each = (most - before) / CLIENTS
    process.stdout.write(
      `     ${engine}: ${Math.round(before / MiB)} MiB, with ${CLIENTS} slow readers ${Math.round(most / MiB)} MiB, ` +
        `${Math.round(each / 1024)} KiB each; slowest other answer ${Math.round(slowestMs)} ms\n`,
    )
    assert.ok(each < MAX_BYTES_PER_CLIENT, `${each} bytes each`)
    assert.ok(slowestMs < 5_000, `${slowestMs} ms`)
    assert.ok(
      sockets.every((socket) => !socket.destroyed),
      'a slow reader is not cut',
    )
  })

  test(`${engine}: 500 clients whose headers drip are answered 408 in time, and nobody else waits`, async () => {
    const rig = await start(engine)
    const answers: string[] = []
    const sockets = Array.from({ length: 500 }, () => {
      const socket = connect({ port: rig.port, host: '127.0.0.1' })
      socket.on('error', () => socket.destroy())
      socket.on('data', (chunk) => answers.push(chunk.toString('latin1')))
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
      return socket
    })
    const timer = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('X: y\r\n')
    }, 400)
    cleanup.add(() => {
      clearInterval(timer)
      for (const socket of sockets) socket.destroy()
    })
    const slowestMs = await askMany(rig.port, 50)
    assert.ok(slowestMs < 5_000, `${slowestMs} ms`)
    await until(() => answers.length === sockets.length, 'all of them are answered', 20_000)
    assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 408 ')))
    assert.is((await fetchFrom(rig.port, '/')).status, 200)
  })
}

test('L06: 10,000 idle connections cost less than 20 KiB each, and new requests none of their time', async () => {
  const rig = await start('native')
  await askMany(rig.port, 50)
  const before = await rig.rss()
  const sockets: Socket[] = []
  cleanup.add(() => {
    for (const socket of sockets) socket.destroy()
  })
  let answered = 0
  // In groups: the queue of connections that wait to be accepted is 1,024 long.
  for (let group = 0; group < 50; group++) {
    for (let i = 0; i < 200; i++) {
      const socket = connect({ port: rig.port, host: '127.0.0.1' })
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        answered += 1
      })
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      sockets.push(socket)
    }
    await until(() => answered === sockets.length, 'all of them were answered', 20_000)
  }
  const slowestMs = await askMany(rig.port, 100)
  const each = ((await rig.rss()) - before) / sockets.length
  process.stdout.write(
    `     ${sockets.length} idle connections, ${Math.round(each / 1024)} KiB each; slowest other answer ${Math.round(slowestMs)} ms\n`,
  )
  assert.ok(
    sockets.every((socket) => !socket.destroyed),
    'all of them are kept',
  )
  assert.ok(each < 20 * 1024, `${each} bytes each`)
  assert.ok(slowestMs < 5_000, `${slowestMs} ms`)
})

/** Asks for the big answer and takes 1 KB of it whenever it is resumed. */
function slowReader(port: number, onRead: (bytes: number) => void): Socket {
  const buffer = Buffer.alloc(1024)
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer,
      callback: (length) => {
        onRead(length)
        return false
      },
    },
  })
  socket.on('error', () => socket.destroy())
  socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
  return socket
}
