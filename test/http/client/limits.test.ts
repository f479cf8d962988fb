import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Exchange } from '../../../host/exchange/exchange.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { codeOf, forEachClient, reply, textOf } from '../client-suite.ts'

/** What comes past this is late, also on a machine that is busy. */
const LATE_MS = 10_000

forEachClient('limits', (test, { upstream, start, send, closeLater }) => {
  test('fails with UPSTREAM_CONNECT when nobody listens', async () => {
    await start((socket) => socket.write(reply('ok')))
    await upstream().close()
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
  })

  test('fails with UPSTREAM_CONNECT when no connection comes about in time', async () => {
    const silent = await startSilentListener()
    closeLater(silent.close)
    await start(() => undefined, { origin: silent.origin, connectTimeoutMs: 200 })
    const startedAtMs = performance.now()
    assert.is(await codeOf(send()), 'UPSTREAM_CONNECT')
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 199 && tookMs < LATE_MS, `${tookMs} ms`)
  })

  test('fails with UPSTREAM_TIMEOUT when no head comes in time', async () => {
    await start((socket) => socket.write('HTTP/1.1 200 OK\r\n'))
    const startedAtMs = performance.now()
    assert.is(await codeOf(send({}, 300)), 'UPSTREAM_TIMEOUT')
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 299 && tookMs < LATE_MS, `${tookMs} ms`)
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
  })

  test('does not count the body against the time for the head', async () => {
    await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc')
      setTimeout(() => socket.write('def'), 1_500)
    })
    assert.is(await textOf(await send({}, 1_000)), 'abcdef')
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
    await until(() => upstream().seen.length > 0, 'the request is there')
    waiting.abort()
    assert.is(await codeOf(answer), 'UPSTREAM_ABORTED')
    await until(() => upstream().sockets.size === 0, 'its connection is closed')

    const reading = new Exchange(makeRequest({}), 'main', 0)
    const response = await send({ target: '/body' }, 0, reading)
    reading.abort()
    const error = await Promise.resolve(response.body)
      .then((body) => body.collect())
      .catch((thrown: unknown) => thrown)
    assert.instance(error, Error)
    await until(() => upstream().sockets.size === 0, 'its connection is closed')
  })
})

/**
 * A listener whose queue is full and that accepts nobody: the kernel drops what comes, and a connection
 * never comes about. Its thread sleeps.
 */
async function startSilentListener(): Promise<{ origin: string; close: () => Promise<void> }> {
  const asleep = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { parentPort, workerData: asleep } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 })
     server.on('listening', () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => {
         Atomics.store(asleep, 0, 1)
         Atomics.wait(asleep, 0, 1)
       })
     })`,
    { eval: true, workerData: asleep },
  )
  const [port] = (await once(worker, 'message')) as [number]
  await until(() => Atomics.load(asleep, 0) === 1, 'it sleeps')
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
  for (const filler of fillers) filler.on('error', () => filler.destroy())
  // The kernel takes the first ones into its queue; the others wait until somebody accepts.
  await sleep(200)
  return {
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}
