import type { Exchange } from '../../../host/exchange/exchange.ts'
import type { HttpServer } from '../../../host/http/engine.ts'
import { nativeEngine } from '../../../host/http/native/engine.ts'
import { until } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'
import { listenSecure } from '../tls/listener.ts'
import {
  ACK,
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FrameClient,
  frame,
  get,
  HEADERS,
  PREFACE,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts'

const test = suite('http/h2/cases')

let server: HttpServer
/** Requests that reached the handler, with the size of their header. */
let handled: { path: string; fields: readonly string[]; isAborted: boolean }[] = []
/** Of the last POST. */
let trailers: readonly string[] | null = null
let client: FrameClient
let opened: FrameClient[] = []

/** Answers every request with 200, a POST once its body is here. */
const answer = async (exchange: Exchange): Promise<void> => {
  const seen = {
    path: exchange.request.path,
    fields: exchange.request.headers.list,
    isAborted: false,
  }
  handled.push(seen)
  exchange.onAbort(() => {
    seen.isAborted = true
  })
  if (exchange.request.method === 'POST') {
    await exchange.request.body.collect()
    trailers = exchange.request.body.trailers
  }
  exchange.reply(200, '200')
}

async function open(isSilent = false): Promise<void> {
  client = await FrameClient.open(server.port, isSilent)
  opened.push(client)
}

test.before(async () => {
  server = await listenSecure(
    nativeEngine,
    (exchange) =>
      answer(exchange).catch(() => {
        exchange.reply(502, '502')
      }),
    undefined,
    { headerTimeoutMs: 2_000 },
  )
})

test.after(() => server.close(0))

test.before.each(async () => {
  handled = []
  await open()
})

test.after.each(() => {
  for (const one of opened) one.close()
  opened = []
})

/** What becomes of one request with these fields. */
async function outcomeOf(fields: readonly (readonly [string, string])[]): Promise<string> {
  return await client.head(1, fields).outcome()
}

/** Another client is served while whatever happens here happens. */
async function othersAreServed(): Promise<void> {
  const other = await FrameClient.open(server.port)
  assert.is(await other.head(1, get()).outcome(), 'answer 200')
  other.close()
}

test('a plain request is answered', async () => {
  assert.is(await outcomeOf(get()), 'answer 200')
})

test('T01: what is no preface ends the connection, and so does silence', async () => {
  await open(true)
  client.send(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  // Node calls it an error of its own.
  assert.match(await client.over(), /^(?:closed|goaway (?:PROTOCOL|INTERNAL)_ERROR)$/)
  await open(true)
  client.send(Buffer.from(PREFACE.slice(0, 10)))
  assert.match(await client.over(), /^(?:closed|goaway NO_ERROR)$/)
  assert.is(handled.length, 0)
})

test('T04: HEADERS with an id below an earlier one reach nobody', async () => {
  await client.head(5, get()).outcome(5)
  client.head(3, get({ ':path': '/lower' }))
  // Node passes over them in silence; the next request shows that it has read them.
  const next = await client.head(7, get()).outcome(7)
  assert.match(next, /^(?:answer 200|goaway PROTOCOL_ERROR)$/)
  assert.not(handled.some(({ path }) => path === '/lower'))
})

test('T07: DATA between HEADERS and CONTINUATION ends the connection', async () => {
  client.send(frame(HEADERS, 0, 1, block(get())), frame(DATA, END_STREAM, 1, Buffer.from('x')))
  assert.is(await client.outcome(), 'goaway PROTOCOL_ERROR')
  assert.is(handled.length, 0)
})

test('T21: a window past 2^31-1 ends the connection', async () => {
  const grow = frame(WINDOW_UPDATE, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff))
  client.send(grow, grow)
  assert.is(await client.over(), 'goaway FLOW_CONTROL_ERROR')
  await until(() => server.connections === 0, 'the connection is gone')
})

test('T23: RST_STREAM on an idle stream ends the connection', async () => {
  client.send(frame(RST_STREAM, 0, 1, Buffer.of(0, 0, 0, 8)))
  assert.is(await client.over(), 'goaway PROTOCOL_ERROR')
})

test('T24: DATA and HEADERS on a closed stream reach nobody', async () => {
  assert.is(await outcomeOf(get()), 'answer 200')
  client.send(frame(DATA, END_STREAM, 1, Buffer.from('x')))
  client.head(1, get({ ':path': '/again' }))
  // Node says nothing about them, or ends the connection; the next request shows that it has read them.
  const next = await client.head(3, get({ ':path': '/next' })).outcome(3)
  assert.match(next, /^(?:answer 200|goaway (?:STREAM_CLOSED|PROTOCOL_ERROR))$/)
  assert.not(handled.some(({ path }) => path === '/again'))
})

test('T26: broken header compression ends the connection', async () => {
  const broken = {
    'index 0': Buffer.of(0x80),
    'an index beyond the table': Buffer.of(0xff, 0xff, 0x7f),
    'bad Huffman': Buffer.of(0x00, 0x81, 0xff, 0x01, 0x61),
    'a table above the limit': Buffer.of(0x3f, 0xff, 0xff, 0x7f),
  }
  for (const [what, bytes] of Object.entries(broken)) {
    await open()
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes))
    assert.is(await client.over(), 'goaway COMPRESSION_ERROR', what)
  }
  assert.is(handled.length, 0)
})

test('T28: 90 KB of header are refused, whatever the client was told', async () => {
  const fields = get(
    {},
    Array.from({ length: 6 }, (_, i) => [`x-${i}`, 'v'.repeat(15_000)]),
  )
  const bytes = block(fields)
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 16_000) {
    const part = bytes.subarray(at, at + 16_000)
    const flags = at + 16_000 >= bytes.length ? END_HEADERS : 0
    frames.push(
      at === 0 ? frame(HEADERS, flags | END_STREAM, 1, part) : frame(CONTINUATION, flags, 1, part),
    )
  }
  client.send(...frames)
  assert.match(await client.outcome(), /^(?:answer 431|reset |goaway ENHANCE_YOUR_CALM)/)
  assert.is(handled.length, 0)
})

test('33 KB of header are refused with 431', async () => {
  const fields = get({}, [
    ['x-a', 'v'.repeat(16_500 - 100)],
    ['x-b', 'v'.repeat(16_500)],
  ])
  const bytes = block(fields)
  client.send(
    frame(HEADERS, END_STREAM, 1, bytes.subarray(0, 16_000)),
    frame(CONTINUATION, 0, 1, bytes.subarray(16_000, 32_000)),
    frame(CONTINUATION, END_HEADERS, 1, bytes.subarray(32_000)),
  )
  assert.match(await client.outcome(), /^(?:answer 431|reset )/)
  assert.is(handled.length, 0)
})

test('T29: 150 fields are refused', async () => {
  const fields = get(
    {},
    Array.from({ length: 150 }, (_, i) => [`x-${i}`, 'v']),
  )
  assert.is(await outcomeOf(fields), 'answer 431')
  assert.is(handled.length, 0)
})

test('T30: a field name in upper case is refused', async () => {
  assert.is(await outcomeOf(get({}, [['X-Upper', 'v']])), 'reset PROTOCOL_ERROR')
})

test('T31: fields about the connection are refused', async () => {
  const names = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'transfer-encoding']
  for (const name of names) {
    await open()
    assert.match(await outcomeOf(get({}, [[name, 'x']])), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  }
  await open()
  assert.match(await outcomeOf(get({}, [['te', 'gzip']])), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  assert.is(handled.length, 0)
})

// Node's HTTP/2 (nghttp2) hands over what is well-formed and says nothing of other fields: the request goes on
// as if they had not been there, where RFC 9113, section 8.2.1 has it reset. docs/http.md says so.
const WITHOUT_A_FIELD: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'T33: a value with CR, LF or NUL': [
    ['x-bad', 'a\r\nx-injected: 1'],
    ['x-bad', 'a\nb'],
    ['x-bad', 'a\rb'],
    ['x-bad', 'a\0b'],
    ['x-bad', 'a\x7f'],
  ],
  'a name that is no token': [
    ['x bad', 'v'],
    ['x-b\xe4d', 'v'],
    ['x:bad', 'v'],
    ['', 'v'],
  ],
}

for (const [what, malformed] of Object.entries(WITHOUT_A_FIELD)) {
  test(`${what} is as if it were not there`, async () => {
    assert.is(await outcomeOf(get({}, [['x-good', 'v']])), 'answer 200')
    const plain = handled[0]?.fields ?? []
    for (const field of malformed) {
      handled = []
      await open()
      const fields: readonly (readonly [string, string])[] = [field, ['x-good', 'v']]
      assert.is(await outcomeOf(get({}, [...fields])), 'answer 200', JSON.stringify(field))
      assert.equal(handled, [{ path: '/', fields: plain, isAborted: false }])
    }
  })
}

test('T35: a value with blanks at its ends is refused', async () => {
  for (const value of [' a', 'a ', '\ta', 'a\t']) {
    await open()
    assert.is(await outcomeOf(get({}, [['x-bad', value]])), 'answer 400', JSON.stringify(value))
  }
  assert.is(handled.length, 0)
})

test('what may stand twice stays two fields, byte by byte; one length too many is refused', async () => {
  const twice: [string, string][] = [
    ['accept', 'a'],
    ['accept', 'b'],
    ['authorization', 'c'],
    ['authorization', 'd'],
    ['x-bytes', '\x80\xff'],
    ['x-empty', ''],
  ]
  assert.is(await outcomeOf(get({}, twice)), 'answer 200')
  assert.equal(handled[0]?.fields.slice(2), twice.flat())
  await open()
  const lengths: [string, string][] = [
    ['content-length', '0'],
    ['content-length', '0'],
  ]
  assert.is(await outcomeOf(get({}, lengths)), 'reset PROTOCOL_ERROR')
})

test('fields for this hop alone stay here, and are no mistake', async () => {
  const own: [string, string][] = [
    ['te', 'trailers'],
    ['trailer', 'x'],
    ['http2-settings', 'x'],
    ['proxy-authorization', 'x'],
    ['x-good', 'v'],
  ]
  assert.is(await outcomeOf(get({}, own)), 'answer 200')
  assert.equal(handled[0]?.fields.slice(2), ['x-good', 'v'])
})

test('of trailers those that are well-formed go on, and one about the connection is refused', async () => {
  for (const [field, kept, outcome] of [
    [['x-sum', '42'], ['x-sum', '42'], 'answer 200'],
    [['x-sum', '42 '], null, 'answer 200'],
    [['x-sum', 'a\r\nb'], null, 'answer 200'],
    [['host', 'a'], null, 'answer 200'],
    [['connection', 'close'], null, 'reset PROTOCOL_ERROR'],
    [['content-length', '1'], null, 'reset PROTOCOL_ERROR'],
    [[':path', '/'], null, 'reset PROTOCOL_ERROR'],
  ] as [[string, string], string[] | null, string][]) {
    await open()
    trailers = null
    client.send(
      frame(HEADERS, END_HEADERS, 1, block(get({ ':method': 'POST' }))),
      frame(DATA, 0, 1, Buffer.from('abc')),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block([field])),
    )
    assert.is(await client.outcome(), outcome, JSON.stringify(field))
    assert.equal(trailers, kept, JSON.stringify(field))
  }
})

test('T36: pseudo-fields that are repeated, unknown or late are refused', async () => {
  const wrong = [
    [...get(), [':path', '/other']],
    [...get(), [':version', '2']],
    [['x', 'y'], ...get()],
    [...get(), [':status', '200']],
  ] as [string, string][][]
  for (const fields of wrong) {
    await open()
    assert.match(await outcomeOf(fields), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  }
  assert.is(handled.length, 0)
})

test('a request without one of its pseudo-fields is refused', async () => {
  for (const name of [':method', ':path', ':scheme', ':authority']) {
    await open()
    const fields = get().filter(([one]) => one !== name)
    assert.match(await outcomeOf(fields), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  }
  assert.is(handled.length, 0)
})

test('T40: a :path that would end a request line is refused', async () => {
  for (const path of [
    '/ HTTP/1.1\r\nX:',
    '/a b',
    '/a\nb',
    '',
    'a',
    'http://localhost/',
    '/a#b',
    '/%zz',
    '*',
  ]) {
    await open()
    assert.match(
      await outcomeOf(get({ ':path': path })),
      /^(?:reset PROTOCOL_ERROR|answer 400)$/,
      path,
    )
  }
  assert.is(handled.length, 0)
})

test('T41: a :method that is no token is refused, CONNECT and TRACE are not allowed', async () => {
  for (const method of ['GET / HTTP/1.1', 'G\nET', '']) {
    await open()
    assert.match(
      await outcomeOf(get({ ':method': method })),
      /^(?:reset PROTOCOL_ERROR|answer 400)$/,
    )
  }
  await open()
  assert.is(await outcomeOf(get({ ':method': 'TRACE' })), 'answer 405')
  await open()
  const connect: [string, string][] = [
    [':method', 'CONNECT'],
    [':authority', 'localhost:443'],
  ]
  assert.match(await outcomeOf(connect), /^(?:answer 405|reset PROTOCOL_ERROR)$/)
  assert.is(handled.length, 0)
})

test('T42: a :scheme other than https is refused', async () => {
  for (const scheme of ['http://localhost/?', 'http', 'ftp', 'https ', '']) {
    await open()
    const outcome = await outcomeOf(get({ ':scheme': scheme }))
    assert.match(outcome, /^(?:answer 400|reset PROTOCOL_ERROR)$/, scheme)
  }
  assert.is(handled.length, 0)
})

test('T43: an :authority with user information, spaces or slashes is refused', async () => {
  for (const authority of ['user@localhost', 'local host', 'localhost/x', 'localhost:x', 'a,b']) {
    await open()
    const outcome = await outcomeOf(get({ ':authority': authority }))
    assert.match(outcome, /^(?:answer 400|reset PROTOCOL_ERROR)$/, authority)
  }
  assert.is(handled.length, 0)
})

test('an :authority and a Host that differ are refused; equal ones are one', async () => {
  assert.is(await outcomeOf(get({}, [['host', 'other']])), 'answer 400')
  assert.is(handled.length, 0)
  await open()
  assert.is(await outcomeOf(get({}, [['host', 'LOCALHOST']])), 'answer 200')
  assert.is(handled[0]?.fields.filter((name) => name === 'host').length, 1)
})

test('T46: a body shorter than its content-length is reset, and who reads it is told', async () => {
  client.head(1, get({ ':method': 'POST' }, [['content-length', '5']]), END_HEADERS)
  await until(() => handled.length === 1, 'the request is there')
  client.send(frame(DATA, END_STREAM, 1, Buffer.from('abc')))
  assert.is(await client.outcome(), 'reset PROTOCOL_ERROR')
  await until(() => handled[0]?.isAborted === true, 'the exchange is aborted')
})

test('a body longer than its content-length is no request', async () => {
  client.head(1, get({ ':method': 'POST' }, [['content-length', '2']]), END_HEADERS)
  client.send(frame(DATA, END_STREAM, 1, Buffer.from('abc')))
  // Node ends the whole connection for it.
  assert.match(
    await client.outcome(),
    /^(?:reset PROTOCOL_ERROR|goaway (?:PROTOCOL|INTERNAL)_ERROR)$/,
  )
  await until(() => handled.every(({ isAborted }) => isAborted), 'nobody was answered')
})

test('T48: a request that ends with its head and announces a body is reset', async () => {
  const fields = get({ ':method': 'POST' }, [['content-length', '5']])
  assert.is(await outcomeOf(fields), 'reset PROTOCOL_ERROR')
  assert.is(handled.length, 0)
})

test('T51: cookie crumbs become one field', async () => {
  const crumbs: [string, string][] = [
    ['cookie', 'a=1'],
    ['x', 'y'],
    ['cookie', 'b=2'],
    ['cookie', 'c=3'],
  ]
  assert.is(await outcomeOf(get({}, crumbs)), 'answer 200')
  const { fields = [] } = handled[0] ?? {}
  assert.equal(fields.slice(2), ['cookie', 'a=1; b=2; c=3', 'x', 'y'])
})

test('T53: PUSH_PROMISE from a client ends the connection', async () => {
  client.send(
    frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.of(0, 0, 0, 2), block(get())])),
  )
  assert.is(await client.over(), 'goaway PROTOCOL_ERROR')
})

test('T54: the 101st stream at once is refused', async () => {
  const post = get({ ':method': 'POST' })
  for (let i = 0; i <= 100; i++) client.head(1 + 2 * i, post, END_HEADERS)
  assert.is(await client.outcome(201), 'reset REFUSED_STREAM')
  await until(() => handled.length === 100, 'the others are there')
})

test('a client that makes one mistake after the other loses its connection', async () => {
  for (let i = 0; i < 150 && !client.hasEnded; i++) {
    await client.head(1 + 2 * i, get({ ':scheme': 'ftp' })).outcome(1 + 2 * i)
  }
  assert.is(await client.over(), 'goaway ENHANCE_YOUR_CALM')
  await othersAreServed()
})

test('settings are acknowledged, and say what is taken', async () => {
  await client.until(() => client.types.filter((type) => type === SETTINGS).length >= 2)
  client.send(frame(SETTINGS, ACK, 0))
  assert.is(await outcomeOf(get()), 'answer 200')
})
