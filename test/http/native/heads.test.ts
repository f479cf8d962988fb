import { Headers } from '../../../host/exchange/headers.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { HeadCheck } from '../../../host/http/check.ts'
import {
  ForwardedFields,
  forwardRequestFields,
  forwardRequestHeaders,
  isClaim,
  isHopByHop,
} from '../../../host/http/forward.ts'
import { BROKEN, ChunkDecoder, DATA, DONE } from '../../../host/http/native/chunked.ts'
import { CLAIM, fieldId, HOST_FIELD, LAST_KEPT } from '../../../host/http/native/field-names.ts'
import { COMPLETE, INCOMPLETE, REFUSED } from '../../../host/http/native/head.ts'
import { RequestHead } from '../../../host/http/native/request-head.ts'
import { ResponseHead } from '../../../host/http/native/response-head.ts'
import { createPrng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { makeMessage } from './message-generator.ts'
import { LIMITS } from './tiny-proxy.ts'

const test = suite('http/native/heads')

const SAMPLE =
  'POST /a/b?c=d HTTP/1.1\r\nHost: example.com:80\r\nX-Empty:\r\nX-Padded: \t a b \t \r\n' +
  'Content-Length: 12\r\nConnection: close\r\nKeep-Alive: 5\r\nCookie: a=\xff\r\n\r\n'

test('a request head gives its parts, and fields as they were sent', () => {
  const head = new RequestHead()
  const bytes = Buffer.from(`xx${SAMPLE}rest`, 'latin1')
  assert.is(head.parse(bytes, 2, bytes.length, LIMITS), COMPLETE)
  assert.is(head.end, bytes.length - 4)
  assert.equal([head.method, head.target, head.host], ['POST', '/a/b?c=d', 'example.com:80'])
  assert.equal([head.contentLength, head.isChunked, head.isPersistent], [12, false, false])
  assert.is(head.headers.lines, 'X-Empty:\r\nX-Padded: \t a b \t \r\nCookie: a=\xff\r\n')
  assert.equal(
    [...head.headers.list],
    ['Host', 'example.com:80', 'X-Empty', '', 'X-Padded', 'a b', 'Cookie', 'a=\xff'],
  )
})

test('fields that stay are one text, however long they are and whatever stood between them', () => {
  const head = new RequestHead()
  const limits = { ...LIMITS, maxHeaderBytes: 256 * 1024 }
  for (const size of [0, 1, 2_000, 20_000, 5, 40_000, 1]) {
    const [a, b] = [`A: ${'a'.repeat(size)}\r\n`, `B:\t${'b'.repeat(size)} \r\n`]
    const bytes = Buffer.from(
      `GET / HTTP/1.1\r\nTE: x\r\n${a}Host: h\r\n${b}${a}Connection: close\r\n${b}\r\n`,
      'latin1',
    )
    assert.is(head.parse(bytes, 0, bytes.length, limits), COMPLETE)
    bytes.fill('x')
    assert.is(head.headers.lines, a + b + a + b)
  }
})

test('what a request says about itself is its own, whatever the one before it said', () => {
  const head = new RequestHead()
  for (const apart of [
    'Host: a.example\r\n',
    'host: a.example\r\n',
    'Host:a.example\r\n',
    'Host: b.example\r\nX-Real-IP: 1\r\n',
    'Host: b.example\r\nX-Real-IP: 2\r\n',
    'Host: b.example\r\n',
    'Host: B.example\r\n',
  ]) {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${apart}Accept: a\r\n\r\n`, 'latin1')
    assert.is(head.parse(bytes, 0, bytes.length, LIMITS), COMPLETE)
    assert.is(head.headers.apartLines, apart)
    assert.is(head.host, /host: ?(.*?)\r/i.exec(apart)?.[1])
  }
})

test('a head is incomplete at every byte before its last, and never refused', () => {
  const head = new RequestHead()
  const bytes = Buffer.from(SAMPLE, 'latin1')
  for (let end = 0; end < bytes.length; end++) {
    // The memory behind the end holds something else.
    const part = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(20, 'a')])
    assert.is(head.parse(part, 0, end, LIMITS), INCOMPLETE, `at ${end}`)
  }
})

test('what is refused as a whole is never taken for complete when it is cut', () => {
  const prng = createPrng(`heads ${testSeed()}`)
  const head = new RequestHead()
  for (let i = 0; i < 3_000; i++) {
    const text = makeMessage(prng)
    const bytes = Buffer.from(text, 'latin1')
    const whole = head.parse(bytes, 0, bytes.length, LIMITS)
    const wholeEnd = head.end
    for (let end = 0; end < bytes.length; end += 1 + prng.below(7)) {
      const part = head.parse(bytes, 0, end, LIMITS)
      if (part === COMPLETE) assert.equal([whole, wholeEnd], [COMPLETE, head.end], text)
      if (part === REFUSED) assert.is(whole, REFUSED, text)
    }
  }
})

test('bytes and pieces are judged alike', () => {
  const prng = createPrng(`agree ${testSeed()}`)
  const head = new RequestHead()
  const check = new HeadCheck()
  let taken = 0
  for (let i = 0; i < 5_000; i++) {
    const text = makeMessage(prng)
    const bytes = Buffer.from(text, 'latin1')
    const isTaken = head.parse(bytes, 0, bytes.length, LIMITS) === COMPLETE
    const pieces = lenientPieces(text)
    if (pieces === null) continue
    const { method, target, version, list } = pieces
    const isPassed = check.check(method, target, version, list, LIMITS) && check.checkFields(list)
    if (isTaken) {
      taken += 1
      assert.ok(isPassed, `${check.reason}: ${JSON.stringify(text)}`)
      assert.is(check.target, head.target, text)
      assert.is(check.host, head.host, text)
      assert.is(check.contentLength, head.contentLength, text)
      assert.is(check.isChunked, head.isChunked, text)
      assert.is(check.isPersistent, head.isPersistent, text)
      assert.is(check.expectsContinue, head.expectsContinue, text)
    } else assert.not.ok(isPassed, `${head.reason}: ${JSON.stringify(text)}`)
  }
  assert.ok(taken > 500)
})

test('fields go on alike, as lines and as a list', () => {
  const prng = createPrng(`forward ${testSeed()}`)
  const head = new RequestHead()
  let compared = 0
  for (let i = 0; i < 2_000; i++) {
    const bytes = Buffer.from(makeMessage(prng), 'latin1')
    if (head.parse(bytes, 0, bytes.length, LIMITS) !== COMPLETE) continue
    if (head.headers.lines === null) continue
    const request = makeRequest({ host: head.host })
    request.headers = head.headers
    const fields = forwardRequestFields(request)
    assert.ok(fields instanceof ForwardedFields)
    request.headers = new Headers([...head.headers.list])
    assert.equal([...(fields as ForwardedFields).list], forwardRequestHeaders(request))
    compared += 1
  }
  assert.ok(compared > 200)
})

test('known names are kept or dropped as the rules for lists say, in any case', () => {
  const names = [
    'connection',
    'content-length',
    'expect',
    'forwarded',
    'host',
    'http2-settings',
    'keep-alive',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-forwarded-proto',
    'x-real-ip',
    'accept',
    'date',
    'x-forwarded-fox',
    'content-lengthy',
    'hos',
    'Transfer_Encoding',
  ]
  for (const name of names) {
    for (const spelled of [name, name.toUpperCase(), `${name[0]?.toUpperCase()}${name.slice(1)}`]) {
      const bytes = Buffer.from(spelled)
      const id = fieldId(bytes, 0, bytes.length)
      assert.is(id > LAST_KEPT, isHopByHop(spelled), spelled)
      const headers = Headers.fromLines('A: b\r\n')
      headers.set(spelled, 'x')
      const isApart = isHopByHop(spelled) || isClaim(spelled) || name === 'date'
      assert.is(headers.lines === null, isApart, spelled)
      assert.is(id === CLAIM || id === HOST_FIELD, isClaim(spelled), spelled)
    }
  }
})

test('an answer head gives status, framing and fields, with a date when it had none', () => {
  const head = new ResponseHead()
  const dated = Buffer.from(
    'HTTP/1.1 201 Made\r\nDATE: x\r\nKeep-Alive: max=5, timeout=7\r\nContent-Length: 3\r\nA: b\r\n\r\n',
  )
  assert.is(head.parse(dated, 0, dated.length), COMPLETE)
  assert.equal([head.status, head.contentLength, head.keepAliveSeconds], [201, 3, 7])
  assert.equal([...head.headers.list], ['DATE', 'x', 'A', 'b'])
  const bare = Buffer.from('HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n')
  assert.is(head.parse(bare, 0, bare.length), COMPLETE)
  assert.ok(head.isChunked)
  assert.equal(head.headers.list[0], 'Date')
})

test('a chunked body decodes to the same bytes wherever it is cut', () => {
  const text = 'a;x=y;z="\\"q"\r\n0123456789\r\n00003\r\nabc\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nGET /'
  const bytes = Buffer.from(text)
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second += 3) {
      const decoder = new ChunkDecoder()
      let body = ''
      let rest = ''
      let isDone = false
      for (const [from, to] of [
        [0, first],
        [first, second],
        [second, bytes.length],
      ] as const) {
        let at = from
        while (at < to && !isDone) {
          const result = decoder.next(bytes.subarray(0, to), at, to)
          assert.is.not(result, BROKEN)
          if (result === DATA) {
            body += bytes.latin1Slice(decoder.dataStart, decoder.dataEnd)
            at = decoder.dataEnd
          } else if (result === DONE) {
            isDone = true
            at = decoder.end
          } else at = to
        }
        if (isDone) rest += bytes.latin1Slice(at, to)
      }
      assert.ok(isDone, `cut at ${first} and ${second}`)
      assert.is(body, '0123456789abc')
      assert.equal(decoder.trailers, ['X-Sum', '1', 'Y', '2'])
      assert.is(rest, 'GET /')
    }
  }
})

const BROKEN_CHUNKS = [
  ['', 'g\r\n'],
  ['a size past 2^53', '20000000000000\r\n'],
  ['17 digits', '00000000000000001\r\n'],
  ['a space after the size', '3 \r\nabc\r\n0\r\n\r\n'],
  ['an extension without a name', '3;\r\nabc'],
  ['an extension without a value', '3;a=\r\nabc'],
  ['a space in an extension', '3;a b\r\nabc'],
  ['an open quote', '3;a="b\r\nabc'],
  ['a byte after a quote', '3;a="b"c\r\nabc'],
  ['extensions past their limit', `3;${'a'.repeat(300)}\r\nabc`],
  ['extensions of many chunks', `1;${'a'.repeat(200)}\r\nx\r\n`.repeat(30)],
  ['a bare LF', '3\nabc'],
  ['a chunk that is too long', '3\r\nabcd\r\n'],
  ['a length in the trailers', '0\r\nContent-Length: 3\r\n\r\n'],
  ['a coding in the trailers', '0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a folded trailer', '0\r\nX: y\r\n z\r\n\r\n'],
  ['33 trailers', `0\r\n${'X: y\r\n'.repeat(33)}\r\n`],
  ['trailers past 8 KiB', `0\r\nX: ${'y'.repeat(9_000)}`],
] as const

for (const [name, text] of BROKEN_CHUNKS) {
  test(`chunks are refused for ${name === '' ? 'another digit' : name}`, () => {
    const bytes = Buffer.from(text)
    for (const step of [bytes.length, 1]) {
      const decoder = new ChunkDecoder()
      let result = -1
      for (let at = 0; at < bytes.length && result !== BROKEN; at += step) {
        let from = at
        const to = Math.min(at + step, bytes.length)
        do {
          result = decoder.next(bytes, from, to)
          from = decoder.dataEnd
        } while (result === DATA)
      }
      assert.is(result, BROKEN, `in steps of ${step}`)
      assert.ok(decoder.reason !== '')
    }
  })
}

/** The pieces a lenient parser hands over; null where it would not, or where pieces hide what bytes show. */
function lenientPieces(
  text: string,
): { method: string; target: string; version: string; list: string[] } | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const lines = text.slice(0, headEnd).split('\r\n')
  const match = /^([^ \t\r\n]+) ([^ \t\r\n]+) HTTP\/(\d\.\d+)$/.exec(lines[0] ?? '')
  if (match === null || lines.some((line) => /[\r\n]/.test(line))) return null
  const list: string[] = []
  for (const line of lines.slice(1)) {
    const field = /^([^:\s]*):[\t ]*(.*?)[\t ]*$/s.exec(line)
    if (field === null) return null
    // Pieces do not show white space, and a tab beside framing is refused.
    if (/^(?:content-length|transfer-encoding):.*\t/i.test(line)) return null
    list.push(field[1] as string, field[2] as string)
  }
  return {
    method: match[1] as string,
    target: match[2] as string,
    version: match[3] as string,
    list,
  }
}
