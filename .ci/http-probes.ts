import { MAX_METHOD_LENGTH } from '../host/http/check.ts'
import { fullLimits } from '../host/http/full-limits.ts'
import {
  BROKEN,
  ChunkDecoder,
  DATA,
  MAX_EXTENSION_BYTES,
  MAX_TRAILER_BYTES,
} from '../host/http/native/chunked.ts'
import { REFUSED } from '../host/http/native/head.ts'
import { RequestHead } from '../host/http/native/request-head.ts'
import { limitsOf } from '../host/objects/http-server-rules.ts'
import { httpServerKind } from '../host/objects/http-server-spec.ts'

/** One thing a client may send, and what becomes of it. */
export interface Refusal {
  /** As the page shows it. */
  readonly sent: string
  readonly status: number
  readonly reason: string
}

const LIMITS = fullLimits(
  limitsOf(httpServerKind.spec.parse({ kind: 'HTTPServer', name: 'a', port: 80 })),
)

/** Request lines: a good `Host` follows. */
const LINES: readonly (readonly [sent: string, line?: string])[] = [
  ['`G@T / HTTP/1.1`'],
  [`a method past ${MAX_METHOD_LENGTH} bytes`, `${'A'.repeat(MAX_METHOD_LENGTH + 1)} / HTTP/1.1`],
  ['`CONNECT a:443 HTTP/1.1`'],
  ['`TRACE / HTTP/1.1`'],
  ['`GET  / HTTP/1.1`, two spaces', 'GET  / HTTP/1.1'],
  ['`GET / HTTP/2.0`'],
  ['`GET / HTTP/1.x`'],
  ['`GET /#part HTTP/1.1`'],
  ['`GET /%zz HTTP/1.1`'],
  ['`GET /%00 HTTP/1.1`'],
  ['`GET /a/..%2fb HTTP/1.1`'],
  ['`GET ftp://a/ HTTP/1.1`'],
  ['`GET http://user@a/ HTTP/1.1`'],
  ['`GET http://b/ HTTP/1.1` with `Host: a`', 'GET http://b/ HTTP/1.1'],
  ['`GET * HTTP/1.1`'],
  [
    'a request line past `maxRequestLine`',
    `GET /${'a'.repeat(LIMITS.maxRequestLineBytes)} HTTP/1.1`,
  ],
]

/** Fields of a POST: a good `Host` stands before them unless they are about it. */
const FIELDS: readonly (readonly [sent: string, fields?: string])[] = [
  ['no `Host` in HTTP/1.1', ''],
  ['two fields `Host`', 'Host: a\r\nHost: a\r\n'],
  ['`Host: a/b`'],
  ['`Name : value`'],
  ['`: value`'],
  ['`Na(me: value`'],
  ['a folded line', 'Name: a\r\n b\r\n'],
  ['a line that ends with LF only', 'Name: value\n'],
  ['a CR inside of a value', 'Name: a\rb\r\n'],
  ['a NUL inside of a value', 'Name: a\0b\r\n'],
  ['`Content-Length: 5, 5`'],
  ['`Content-Length: +5`'],
  ['two fields `Content-Length`', 'Content-Length: 5\r\nContent-Length: 5\r\n'],
  ['`Content-Length` past 15 digits', `Content-Length: ${'9'.repeat(16)}\r\n`],
  ['`Transfer-Encoding: gzip`'],
  ['`Transfer-Encoding: gzip, chunked`'],
  ['two fields `Transfer-Encoding`', 'Transfer-Encoding: chunked\r\n'.repeat(2)],
  [
    '`Transfer-Encoding` and `Content-Length`',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
  ],
  ['`Expect: something`'],
  ['a header past `maxHeaderBytes`', `Name: ${'a'.repeat(LIMITS.maxHeaderBytes)}\r\n`],
  ['more fields than `maxHeaderCount`', 'Name: value\r\n'.repeat(LIMITS.maxHeaderCount + 1)],
]

/** Chunked bodies, or their beginnings. */
const CHUNKS: readonly (readonly [sent: string, bytes: string])[] = [
  ['a chunk size `5 `, with a space', '5 \r\n'],
  ['a chunk size `0x5`', '0x5\r\n'],
  ['a chunk size past 2^53', `${'f'.repeat(16)}\r\n`],
  ['a chunk size that ends with LF only', '5\n'],
  ['a chunk that is longer than its size', '1\r\nab\r\n'],
  ['a malformed chunk extension', '1;=a\r\n'],
  [
    `extensions of a chunk past ${MAX_EXTENSION_BYTES} bytes`,
    `1;a=${'b'.repeat(MAX_EXTENSION_BYTES)}\r\n`,
  ],
  ['a trailer `Content-Length: 5`', '0\r\nContent-Length: 5\r\n\r\n'],
  [
    `trailers past ${MAX_TRAILER_BYTES} bytes`,
    `0\r\nName: ${'a'.repeat(MAX_TRAILER_BYTES)}\r\n\r\n`,
  ],
]

/** What the engine `native` answers to each of them: its own parsers are asked. */
export function refusals(): Refusal[] {
  return [
    ...LINES.map(([sent, line = quoted(sent)]) => ofHead(sent, `${line}\r\nHost: a\r\n\r\n`)),
    ...FIELDS.map(([sent, fields = `${quoted(sent)}\r\n`]) => {
      const host = /`Host/.test(sent) ? '' : 'Host: a\r\n'
      return ofHead(sent, `POST / HTTP/1.1\r\n${host}${fields}\r\n`)
    }),
    ...CHUNKS.map(([sent, bytes]) => ofChunks(sent, bytes)),
  ]
}

/** What stands between the first two backticks. */
function quoted(sent: string): string {
  return sent.split('`')[1] ?? ''
}

function ofHead(sent: string, text: string): Refusal {
  const head = new RequestHead()
  const bytes = Buffer.from(text, 'latin1')
  if (head.parse(bytes, 0, bytes.length, LIMITS) !== REFUSED) throw new Error(`taken: ${sent}`)
  return { sent, status: head.status, reason: head.reason }
}

function ofChunks(sent: string, text: string): Refusal {
  const decoder = new ChunkDecoder()
  const bytes = Buffer.from(text, 'latin1')
  let result = decoder.next(bytes, 0, bytes.length)
  while (result === DATA) result = decoder.next(bytes, decoder.dataEnd, bytes.length)
  if (result !== BROKEN) throw new Error(`taken: ${sent}`)
  return { sent, status: decoder.status, reason: decoder.reason }
}
