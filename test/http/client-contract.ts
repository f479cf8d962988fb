import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, GatewayError, isGatewayError } from '../../host/errors.ts'
import { Body } from '../../host/exchange/body.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import type { Response } from '../../host/exchange/response.ts'
import type { ClientOptions, HttpClient, UpstreamRequest } from '../../host/http/engine.ts'
import { assert, suite } from '../support/suite.ts'
import { type SeenRequest, startUpstream, type Upstream, valuesOf } from './wire.ts'

/** What a client of some engine does differently by its nature. */
export interface ClientNature {
  /** An unasked-for `100 Continue` before the answer is passed over. */
  readonly takesContinue: boolean
}

/** The cases that every HTTP client of an engine must pass, over real sockets. */
export function testClient(
  name: string,
  create: (options: ClientOptions) => HttpClient,
  nature: ClientNature,
): void {
  const test = suite(name)
  let upstream: Upstream
  let client: HttpClient
  const open: (() => Promise<void>)[] = []

  async function start(
    onRequest: (socket: Socket, request: SeenRequest, index: number) => void,
    options: Partial<ClientOptions> = {},
  ): Promise<void> {
    upstream = await startUpstream(onRequest)
    client = create({
      origin: upstream.origin,
      connectTimeoutMs: 2_000,
      maxConnections: 1_024,
      ...options,
    })
    open.push(() => client.close(), upstream.close)
  }

  /** The answer to a plain request, or to `request`. */
  function send(
    request: Partial<UpstreamRequest> = {},
    timeoutMs = 5_000,
    exchange: Exchange | null = null,
  ): Promise<Response> {
    const plain = { method: 'GET', target: '/', host: 'a', headers: [], body: Body.none }
    return client.send({ ...plain, ...request }, timeoutMs, exchange)
  }

  async function codeOf(answer: Promise<unknown>): Promise<ErrorCode | 'none'> {
    const error = await answer.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return isGatewayError(error) ? error.code : 'none'
  }

  async function textOf(response: Response): Promise<string> {
    return (await response.body.collect()).latin1Slice()
  }

  test.after.each(async () => {
    for (const close of open.splice(0)) await close()
  })

  const reply = (body: string, fields = ''): string =>
    `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`

  test('sends start line, Host, fields and body, and nothing of its own but the framing', async () => {
    await start((socket) => socket.write(reply('ok')))
    await textOf(
      await send({
        method: 'POST',
        target: '//evil/x?a=%41',
        host: 'shop:80',
        headers: ['X-A', '1', 'x-a', '\xff', 'X-A', ''],
        body: Body.text('hello'),
      }),
    )
    const [seen] = upstream.seen as [SeenRequest]
    assert.is(seen.line, 'POST //evil/x?a=%41 HTTP/1.1')
    assert.equal(valuesOf(seen, 'host'), ['shop:80'])
    assert.equal(valuesOf(seen, 'x-a'), ['1', '\xff', ''])
    assert.equal(valuesOf(seen, 'content-length'), ['5'])
    assert.is(seen.body, 'hello')
    const own = seen.fields.filter((_, i) => i % 2 === 0).map((field) => field.toLowerCase())
    const allowed = ['host', 'x-a', 'content-length', 'connection']
    assert.equal(
      own.filter((field) => !allowed.includes(field)),
      [],
    )
  })

  test('gives status, fields in order and the body; a small one is whole at once', async () => {
    const fields = Array.from({ length: 50 }, (_, i) => `Set-Cookie: c${i}=\xe9\r\n`).join('')
    await start((socket) => {
      socket.write(
        Buffer.from(reply('body', `X: 1\r\nx: 2\r\n${fields}Keep-Alive: timeout=9\r\n`), 'latin1'),
      )
    })
    const response = await send()
    assert.is(response.status, 200)
    assert.ok(response.body.isWhole)
    assert.is(response.body.announcedLength, 4)
    assert.is(await textOf(response), 'body')
    assert.equal(response.headers.getAll('x'), ['1', '2'])
    assert.equal(
      response.headers.getAll('set-cookie'),
      Array.from({ length: 50 }, (_, i) => `c${i}=\xe9`),
    )
    assert.is(response.headers.has('content-length'), false)
    assert.is(response.headers.has('keep-alive'), false)
  })

  test('removes what Connection names from an answer', async () => {
    await start((socket) => {
      socket.write(reply('', 'Connection: x-hop\r\nX-Hop: 1\r\nX-End: 2\r\n'))
    })
    const response = await send()
    assert.equal(response.headers.list, ['X-End', '2'])
  })

  test('reads chunks, extensions and trailers', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n')
      setTimeout(() => socket.write('3\r\ndef\r\n0\r\nX-Sum: 6\r\nHost: evil\r\n\r\n'), 10)
    })
    const response = await send()
    assert.is(await textOf(response), 'abcdef')
    assert.equal(response.body.trailers, ['X-Sum', '6'])
  })

  test('reads an answer whose end is the end of the connection', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc')
      setTimeout(() => socket.end('def'), 10)
    })
    assert.is(await textOf(await send()), 'abcdef')
  })

  test('knows the answers without a body: HEAD, 204 and 304', async () => {
    await start((socket, request) => {
      const status = request.line.startsWith('HEAD') ? 200 : Number(request.line.slice(5, 8))
      socket.write(`HTTP/1.1 ${status} x\r\n${status === 204 ? '' : 'Content-Length: 5\r\n'}\r\n`)
    })
    const head = await send({ method: 'HEAD' })
    assert.is(head.body.announcedLength, 5)
    assert.is(await textOf(head), '')
    for (const status of [204, 304]) {
      const response = await send({ target: `/${status}` })
      assert.is(response.status, status)
      assert.is(await textOf(response), '')
    }
  })

  test('passes over interim answers, up to a limit', async () => {
    await start((socket, request) => {
      const count = request.line.includes('many') ? 100 : 3
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(count))
      if (nature.takesContinue) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      socket.write(reply('final'))
    })
    const response = await send()
    assert.is(await textOf(response), 'final')
    assert.is(response.headers.has('link'), false)
    assert.is(await codeOf(send({ target: '/many' })), 'UPSTREAM_INVALID')
  })

  test('uses a connection again, and the one used last first', async () => {
    await start((socket) => socket.write(reply('ok')))
    for (let i = 0; i < 5; i++) await textOf(await send())
    assert.is(upstream.accepted, 1)
    await Promise.all(Array.from({ length: 4 }, () => send().then(textOf)))
    await Promise.all(Array.from({ length: 4 }, () => send().then(textOf)))
    assert.is(upstream.accepted, 4)
  })

  test('sends again what a server closed an idle connection on', async () => {
    await start((socket, _, index) => {
      if (index === 1) socket.destroy()
      else socket.write(reply(String(index)))
    })
    assert.is(await textOf(await send()), '0')
    assert.is(await textOf(await send()), '2')
    assert.is(upstream.seen.length, 3)
  })

  test('does not send a POST twice', async () => {
    await start((socket, _, index) => {
      if (index === 1) socket.destroy()
      else socket.write(reply('ok'))
    })
    await textOf(await send())
    const post = send({ method: 'POST', body: Body.text('x') })
    assert.is(await codeOf(post), 'UPSTREAM_INVALID')
    assert.is(upstream.seen.length, 2)
  })

  test('never has more connections than allowed, and serves who waits in order', async () => {
    let running = 0
    let most = 0
    await start(
      (socket) => {
        running += 1
        most = Math.max(most, running)
        setTimeout(() => {
          running -= 1
          socket.write(reply('ok'))
        }, 5)
      },
      { maxConnections: 2 },
    )
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        send()
          .then(textOf)
          .then(() => order.push(i)),
      ),
    )
    assert.ok(most <= 2 && upstream.accepted <= 2, `${most} at a time`)
    assert.equal(order.slice(0, 2).sort(), [0, 1])
    assert.is(order.length, 10)
  })

  test('fails with UPSTREAM_CONNECT when nobody listens', async () => {
    await start((socket) => socket.write(reply('ok')))
    await upstream.close()
    open.pop()
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
  })

  test('fails with UPSTREAM_CONNECT when no connection comes about in time', async () => {
    const silent = await startSilentListener()
    open.push(silent.close)
    await start(() => undefined, { origin: silent.origin, connectTimeoutMs: 200 })
    const startedAtMs = performance.now()
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 199 && tookMs < 700, `${tookMs} ms`)
  })

  test('fails with UPSTREAM_TIMEOUT when no head comes in time', async () => {
    await start((socket) => socket.write('HTTP/1.1 200 OK\r\n'))
    const startedAtMs = performance.now()
    assert.is(await codeOf(send({}, 300)), 'UPSTREAM_TIMEOUT')
    const tookMs = performance.now() - startedAtMs
    // The stated accuracy is 0.5 s for the coarsest engine; five times that, because the machine may be busy.
    assert.ok(tookMs >= 299 && tookMs < 2_800, `${tookMs} ms`)
    while (upstream.sockets.size > 0) await sleep(1)
  })

  test('does not count the body against the time for the head', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc')
      setTimeout(() => socket.write('def'), 150)
    })
    assert.is(await textOf(await send({}, 100)), 'abcdef')
  })

  test('fails with UPSTREAM_INVALID for what is no answer, and gives up the connection', async () => {
    const answers = [
      'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello',
      'HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n',
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`,
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'SSH-2.0-OpenSSH\r\n\r\n',
      'HTTP/1.1 200',
      '',
    ]
    await start((socket, _, index) => {
      socket.write(Buffer.from(answers[index] ?? '', 'latin1'))
      if ((answers[index] ?? '').length < 13) setTimeout(() => socket.destroy(), 10)
    })
    for (const answer of answers) {
      const code = await codeOf(send({ method: 'POST' }))
      assert.is(code, 'UPSTREAM_INVALID', JSON.stringify(answer.slice(0, 80)))
    }
    assert.is(upstream.accepted, answers.length)
  })

  test('does not take bytes that come unasked for the answer of the next request', async () => {
    await start((socket, _, index) => {
      socket.write(index === 0 ? `${reply('first')}${reply('poison')}` : reply('second'))
    })
    assert.is(await textOf(await send()), 'first')
    await sleep(20)
    assert.is(await textOf(await send()), 'second')
  })

  test('fails the body when an answer breaks off', async () => {
    await start((socket, request) => {
      const isKnown = request.line.includes('known')
      socket.write(
        isKnown
          ? 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'
          : 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      )
      setTimeout(() => socket.destroy(), 20)
    })
    for (const target of ['/known', '/chunked']) {
      const response = await send({ target })
      const error = await Promise.resolve(response.body)
        .then((body) => body.collect())
        .catch((thrown: unknown) => thrown)
      assert.instance(error, Error)
    }
  })

  test('streams a request body of known and of unknown length', async () => {
    await start((socket) => socket.write(reply('ok')))
    for (const length of [6, -1]) {
      const body = Body.stream(QUIET, length)
      const answer = send({ method: 'POST', body })
      body.push(Buffer.from('abc'))
      setTimeout(() => {
        body.push(Buffer.from('def'))
        body.end()
      }, 10)
      assert.is(await textOf(await answer), 'ok')
    }
    const [known, chunked] = upstream.seen
    assert.is(known?.body, 'abcdef')
    assert.equal(valuesOf(known as SeenRequest, 'content-length'), ['6'])
    assert.is(chunked?.body, 'abcdef')
    assert.equal(valuesOf(chunked as SeenRequest, 'transfer-encoding'), ['chunked'])
  })

  test('breaks the request off when its body fails', async () => {
    await start((socket) => socket.write(reply('ok')))
    const body = Body.stream(QUIET, 10)
    const answer = send({ method: 'POST', body })
    body.push(Buffer.from('abc'))
    setTimeout(() => body.fail(new GatewayError('REQUEST_BODY_TOO_LARGE', { limit: 5 })), 10)
    const code = await codeOf(answer)
    assert.ok(code !== 'none', code)
    while (upstream.sockets.size > 0) await sleep(1)
    assert.is(upstream.seen.length, 0)
  })

  test('holds a request body back while the upstream does not read', async () => {
    const sockets: Socket[] = []
    const raw = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.pause()
      sockets.push(socket)
    }).listen(0, '127.0.0.1')
    await once(raw, 'listening')
    const origin = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`
    await start(() => undefined, { origin })
    open.push(async () => {
      for (const socket of sockets) socket.destroy()
      raw.close()
      await once(raw, 'close')
    })
    let sent = 0
    let isPaused = false
    const pause = (): void => {
      isPaused = true
    }
    const body = Body.stream({ ...QUIET, pause }, -1)
    const answer = send({ method: 'POST', body }, 0).catch(() => null)
    for (let i = 0; i < 1000 && !isPaused; i++) {
      body.push(Buffer.alloc(64 * 1024))
      sent += 64 * 1024
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(isPaused && sent < 32 * 1024 * 1024, `${sent} bytes`)
    body.fail(new Error('enough'))
    await answer
  })

  test('holds an answer back while nobody takes it, and then goes on', async () => {
    const size = 32 * 1024 * 1024
    let socketOfAnswer: Socket | null = null
    await start((socket) => {
      socketOfAnswer = socket
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
    })
    const response = await send()
    await sleep(200)
    const { bytesWritten, writableLength } = socketOfAnswer as unknown as Socket
    assert.ok(bytesWritten - writableLength < 16 * 1024 * 1024, `${bytesWritten} bytes`)
    let received = 0
    await new Promise<void>((resolve, reject) => {
      let isWaiting = false
      response.body.pipe({
        write(chunk) {
          received += chunk.length
          if (!isWaiting) {
            isWaiting = true
            setImmediate(() => {
              isWaiting = false
              response.body.resume()
            })
          }
          return false
        },
        end: () => resolve(),
        fail: reject,
      })
    })
    assert.is(received, size)
  })

  test('breaks off when the client leaves: before, during and after the head', async () => {
    await start((socket, request) => {
      if (request.line.includes('body')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc')
      }
    })
    const gone = new Exchange(makeRequest({}), 'main', 0)
    gone.abort()
    assert.is(await codeOf(send({}, 0, gone)), 'UPSTREAM_ABORTED')

    const waiting = new Exchange(makeRequest({}), 'main', 0)
    const answer = send({}, 0, waiting)
    while (upstream.seen.length === 0) await sleep(1)
    waiting.abort()
    assert.is(await codeOf(answer), 'UPSTREAM_ABORTED')
    while (upstream.sockets.size > 0) await sleep(1)

    const reading = new Exchange(makeRequest({}), 'main', 0)
    const response = await send({ target: '/body' }, 0, reading)
    reading.abort()
    const error = await Promise.resolve(response.body)
      .then((body) => body.collect())
      .catch((thrown: unknown) => thrown)
    assert.instance(error, Error)
    while (upstream.sockets.size > 0) await sleep(1)
  })

  test('closes the connection of an answer that nobody wants', async () => {
    await start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'))
    const response = await send()
    response.body.cancel(new Error('not wanted'))
    while (upstream.sockets.size > 0) await sleep(1)
  })

  test('closes idle connections when it is closed, and takes nothing more', async () => {
    await start((socket) => socket.write(reply('ok')))
    await textOf(await send())
    await client.close()
    await client.close()
    while (upstream.sockets.size > 0) await sleep(1)
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
  })
}

/** A producer that has nothing to pause. */
const QUIET = {
  resume: (): undefined => undefined,
  pause: (): undefined => undefined,
  cancel: (): undefined => undefined,
}

/**
 * A listener whose queue is full and that accepts nobody: the kernel drops what comes, and a connection
 * never comes about. Its thread sleeps.
 */
async function startSilentListener(): Promise<{ origin: string; close: () => Promise<void> }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 })
     server.on('listening', () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
     })`,
    { eval: true },
  )
  const [port] = (await once(worker, 'message')) as [number]
  await sleep(50)
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
  for (const filler of fillers) filler.on('error', () => filler.destroy())
  await sleep(50)
  return {
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}
