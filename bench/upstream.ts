// The upstream of the benchmarks: answers every request with 7 fields and 1 KB, or 1 MB for /large, as fast as
// a socket takes it. It looks for the ends of heads, and for the length of bodies; chunked ones it cannot read.
//
//   node bench/upstream.ts PORT
import { createServer, type Socket } from 'node:net'

const ANSWER = answerOf(1024)
const LARGE_ANSWER = Buffer.from(answerOf(1024 * 1024), 'latin1')

function answerOf(bytes: number): string {
  return [
    'HTTP/1.1 200 OK',
    'Server: bench',
    'Date: Sun, 22 Nov 2026 12:00:00 GMT',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${bytes}`,
    'Cache-Control: no-cache',
    'ETag: "5d8c72a5edda8d6a"',
    'X-Upstream: 1',
    '',
    'x'.repeat(bytes),
  ].join('\r\n')
}

const server = createServer({ noDelay: true }, (socket: Socket) => {
  let rest = ''
  /** Bytes of a request body that are still to come. */
  let left = 0
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    if (left > chunk.length) {
      left -= chunk.length
      return
    }
    if (left > 0) {
      socket.write(ANSWER, 'latin1')
    }
    let text = rest + chunk.latin1Slice(left)
    left = 0
    let requests = 0
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const isGet = text.startsWith('GET ')
      const isLarge = isGet && text.startsWith('/large', 4)
      const length = isGet ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
      const arrived = text.length - end - 4
      text = text.slice(end + 4 + length)
      if (isLarge) socket.write(LARGE_ANSWER)
      else if (arrived < length) left = length - arrived
      else requests += 1
    }
    rest = text
    if (requests > 0) socket.write(requests === 1 ? ANSWER : ANSWER.repeat(requests), 'latin1')
  })
})

server.listen(Number(process.argv[2]), '127.0.0.1')
