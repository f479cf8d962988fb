import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { freePort } from '../support/free-port.ts'
import { Cleanup, fetchFrom, startUpstream, until } from '../support/gateway.ts'
import { isTurnedAway, patiently, TURNED_AWAY } from '../support/overload.ts'
import { serve } from '../support/serve.ts'
import { assert, suite } from '../support/suite.ts'

/**
 * The gateway is a process that may be overloaded: while a thousand clients arrive at once it turns some away,
 * as documented. They come again, and what is measured is measured when they are served.
 */
const test = suite('system/slow-clients', { timeoutMs: 250_000 })

const CLIENTS = 1_000
/** Clients that arrive at once. */
const GROUP = 100
/** What a request may take on a machine that is busy; one that waited for slow clients would take minutes. */
const MAX_ANSWER_MS = 10_000
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
  /** What the gateway has written. */
  log(): string
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
# What a slow reader takes comes out of the buffers of the kernel: the gateway sees nothing of it for minutes.
writeIdleTimeout: 10m
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
  const served = await serve(cleanup, { 'gateway.yaml': yaml }, [...args, '--no-access-log'], {
    canOverload: true,
  })
  return {
    port,
    log: served.log,
    rss: async () => {
      const text = await readFile(`/proc/${served.process.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024
    },
  }
}

/** Fast requests while others are slow: every one has to be answered, and none has to wait for them. */
async function askMany({ port, log }: Rig, count: number): Promise<number> {
  let slowestMs = 0
  for (let i = 0; i < count; i++) {
    await patiently('a fast request', async () => {
      const startedAtMs = performance.now()
      const answer = await fetchFrom(port, '/')
      if (isTurnedAway(answer)) return TURNED_AWAY
      assert.is(answer.status, 200, `${answer.body}\n${log()}`)
      assert.is(answer.body, 'small')
      slowestMs = Math.max(slowestMs, performance.now() - startedAtMs)
      return null
    })
  }
  return slowestMs
}

/** Adds `count` connections to `sockets`, a group at a time, each tried as often as it takes. */
async function openMany(
  sockets: Socket[],
  count: number,
  group: number,
  what: string,
  open: () => Promise<Socket | typeof TURNED_AWAY>,
): Promise<void> {
  cleanup.add(() => {
    for (const socket of sockets) socket.destroy()
  })
  while (sockets.length < count) {
    const attempts = Array.from({ length: group }, () => patiently(what, open))
    sockets.push(...(await Promise.all(attempts)))
  }
}

for (const engine of ['native', 'node']) {
  test(`${engine}: 1,000 clients that read 1 KB a second of 10 MB cost little, and nobody else waits`, async () => {
    const rig = await start(engine)
    await askMany(rig, 50)
    const before = await rig.rss()
    const sockets: Socket[] = []
    const timer = setInterval(() => {
      for (const socket of sockets) socket.resume()
    }, 1_000)
    cleanup.add(() => clearInterval(timer))
    await openMany(sockets, CLIENTS, GROUP, 'a slow reader', () => slowReader(rig.port))
    let most = 0
    let slowestMs = 0
    for (let round = 0; round < 5; round++) {
      slowestMs = Math.max(slowestMs, await askMany(rig, 20))
      most = Math.max(most, await rig.rss())
      await new Promise((resolve) => setTimeout(resolve, 800))
    }
    const each = (most - before) / CLIENTS
    process.stdout.write(
      `     ${engine}: ${Math.round(before / MiB)} MiB, with ${CLIENTS} slow readers ${Math.round(most / MiB)} MiB, ` +
        `${Math.round(each / 1024)} KiB each; slowest other answer ${Math.round(slowestMs)} ms\n`,
    )
    assert.ok(each < MAX_BYTES_PER_CLIENT, `${each} bytes each`)
    assert.ok(slowestMs < MAX_ANSWER_MS, `${slowestMs} ms`)
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
    const slowestMs = await askMany(rig, 50)
    assert.ok(slowestMs < MAX_ANSWER_MS, `${slowestMs} ms`)
    await until(() => answers.length === sockets.length, 'all of them are answered', 60_000)
    assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 408 ')))
    await askMany(rig, 1)
  })
}

test('L06: 10,000 idle connections cost less than 20 KiB each, and new requests none of their time', async () => {
  const rig = await start('native')
  await askMany(rig, 50)
  const before = await rig.rss()
  // In groups: the queue of connections that wait to be accepted is 1,024 long.
  const sockets: Socket[] = []
  await openMany(sockets, 10_000, 200, 'an idle client', () => idleClient(rig.port))
  const slowestMs = await askMany(rig, 100)
  const each = ((await rig.rss()) - before) / sockets.length
  process.stdout.write(
    `     ${sockets.length} idle connections, ${Math.round(each / 1024)} KiB each; slowest other answer ${Math.round(slowestMs)} ms\n`,
  )
  assert.ok(
    sockets.every((socket) => !socket.destroyed),
    'all of them are kept',
  )
  assert.ok(each < 20 * 1024, `${each} bytes each`)
  assert.ok(slowestMs < MAX_ANSWER_MS, `${slowestMs} ms`)
})

/** Asks for the big answer and takes 1 KB of it whenever it is resumed. */
function slowReader(port: number): Promise<Socket | typeof TURNED_AWAY> {
  const buffer = Buffer.alloc(1024)
  return new Promise((resolve, reject) => {
    let isFirst = true
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer,
        callback: (length) => {
          if (isFirst) resolve(taken(socket, buffer.toString('latin1', 0, length)))
          isFirst = false
          return false
        },
      },
    })
    socket.on('error', (error) => {
      socket.destroy()
      reject(error)
    })
    socket.write('GET /big HTTP/1.1\r\nHost: a\r\n\r\n')
  })
}

/** Asks once and keeps the connection. One that the gateway did not want to keep has to be opened again. */
function idleClient(port: number): Promise<Socket | typeof TURNED_AWAY> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', (error) => {
      socket.destroy()
      reject(error)
    })
    socket.once('data', (chunk) => {
      const head = chunk.toString('latin1')
      const isKept = !/^connection: close/im.test(head)
      if (!isKept) socket.destroy()
      resolve(isKept ? taken(socket, head) : TURNED_AWAY)
    })
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  })
}

/** The connection, unless what came first says that the gateway has too much to do. */
function taken(socket: Socket, head: string): Socket | typeof TURNED_AWAY {
  if (head.startsWith('HTTP/1.1 200 ')) return socket
  socket.destroy()
  assert.match(head, /^HTTP\/1\.1 503 [\s\S]*\r\nretry-after: /i)
  return TURNED_AWAY
}
