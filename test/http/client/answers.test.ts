import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../support/suite.ts'
import { codeOf, forEachClient, reply, textOf } from '../client-suite.ts'

forEachClient('answers', (test, { takesContinue, upstream, start, send }) => {
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
      if (takesContinue) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      socket.write(reply('final'))
    })
    const response = await send()
    assert.is(await textOf(response), 'final')
    assert.is(response.headers.has('link'), false)
    assert.is(await codeOf(send({ target: '/many' })), 'UPSTREAM_INVALID')
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
    assert.is(upstream().accepted, answers.length)
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
})
