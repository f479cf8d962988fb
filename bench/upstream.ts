// The upstream of the benchmarks: answers every request with 7 fields and 1 KB, as fast as a socket takes
// it. It looks for the ends of heads only, so requests must come without bodies.
//
//   node bench/upstream.ts PORT
import { createServer, type Socket } from 'node:net'

const BODY_BYTES = 1024

const ANSWER = [
  'HTTP/1.1 200 OK',
  'Server: bench',
  'Date: Sun, 22 Nov 2026 12:00:00 GMT',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${BODY_BYTES}`,
  'Cache-Control: no-cache',
  'ETag: "5d8c72a5edda8d6a"',
  'X-Upstream: 1',
  '',
  'x'.repeat(BODY_BYTES),
].join('\r\n')

const server = createServer({ noDelay: true }, (socket: Socket) => {
  let rest = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let text = rest + chunk.latin1Slice()
    let requests = 0
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      requests += 1
      text = text.slice(end + 4)
    }
    rest = text
    if (requests > 0) socket.write(requests === 1 ? ANSWER : ANSWER.repeat(requests), 'latin1')
  })
})

server.listen(Number(process.argv[2]), '127.0.0.1')
