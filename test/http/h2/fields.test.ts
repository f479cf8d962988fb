import { assert } from '../../support/suite.ts'
import { caseSuite } from './case-suite.ts'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  HEADERS,
} from './frames.ts'

const { test, rig } = caseSuite('http/h2/fields')

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
  rig.client.send(...frames)
  assert.match(await rig.client.outcome(), /^(?:answer 431|reset |goaway ENHANCE_YOUR_CALM)/)
  assert.is(rig.handled.length, 0)
})

test('33 KB of header are refused with 431', async () => {
  const fields = get({}, [
    ['x-a', 'v'.repeat(16_500 - 100)],
    ['x-b', 'v'.repeat(16_500)],
  ])
  const bytes = block(fields)
  rig.client.send(
    frame(HEADERS, END_STREAM, 1, bytes.subarray(0, 16_000)),
    frame(CONTINUATION, 0, 1, bytes.subarray(16_000, 32_000)),
    frame(CONTINUATION, END_HEADERS, 1, bytes.subarray(32_000)),
  )
  assert.match(await rig.client.outcome(), /^(?:answer 431|reset )/)
  assert.is(rig.handled.length, 0)
})

test('T29: 150 fields are refused', async () => {
  const fields = get(
    {},
    Array.from({ length: 150 }, (_, i) => [`x-${i}`, 'v']),
  )
  assert.is(await rig.outcomeOf(fields), 'answer 431')
  assert.is(rig.handled.length, 0)
})

test('T30: a field name in upper case is refused', async () => {
  assert.is(await rig.outcomeOf(get({}, [['X-Upper', 'v']])), 'reset PROTOCOL_ERROR')
})

test('T31: fields about the connection are refused', async () => {
  const names = ['connection', 'keep-alive', 'proxy-connection', 'upgrade', 'transfer-encoding']
  for (const name of names) {
    await rig.open()
    assert.match(
      await rig.outcomeOf(get({}, [[name, 'x']])),
      /^(?:reset PROTOCOL_ERROR|answer 400)$/,
    )
  }
  await rig.open()
  assert.match(
    await rig.outcomeOf(get({}, [['te', 'gzip']])),
    /^(?:reset PROTOCOL_ERROR|answer 400)$/,
  )
  assert.is(rig.handled.length, 0)
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
    assert.is(await rig.outcomeOf(get({}, [['x-good', 'v']])), 'answer 200')
    const plain = rig.handled[0]?.fields ?? []
    for (const field of malformed) {
      rig.handled = []
      await rig.open()
      const fields: readonly (readonly [string, string])[] = [field, ['x-good', 'v']]
      assert.is(await rig.outcomeOf(get({}, [...fields])), 'answer 200', JSON.stringify(field))
      assert.equal(rig.handled, [{ path: '/', fields: plain, isAborted: false }])
    }
  })
}

test('T35: a value with blanks at its ends is refused', async () => {
  for (const value of [' a', 'a ', '\ta', 'a\t']) {
    await rig.open()
    assert.is(await rig.outcomeOf(get({}, [['x-bad', value]])), 'answer 400', JSON.stringify(value))
  }
  assert.is(rig.handled.length, 0)
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
  assert.is(await rig.outcomeOf(get({}, twice)), 'answer 200')
  assert.equal(rig.handled[0]?.fields.slice(2), twice.flat())
  await rig.open()
  const lengths: [string, string][] = [
    ['content-length', '0'],
    ['content-length', '0'],
  ]
  assert.is(await rig.outcomeOf(get({}, lengths)), 'reset PROTOCOL_ERROR')
})

test('fields for this hop alone stay here, and are no mistake', async () => {
  const own: [string, string][] = [
    ['te', 'trailers'],
    ['trailer', 'x'],
    ['http2-settings', 'x'],
    ['proxy-authorization', 'x'],
    ['x-good', 'v'],
  ]
  assert.is(await rig.outcomeOf(get({}, own)), 'answer 200')
  assert.equal(rig.handled[0]?.fields.slice(2), ['x-good', 'v'])
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
    await rig.open()
    rig.trailers = null
    rig.client.send(
      frame(HEADERS, END_HEADERS, 1, block(get({ ':method': 'POST' }))),
      frame(DATA, 0, 1, Buffer.from('abc')),
      frame(HEADERS, END_HEADERS | END_STREAM, 1, block([field])),
    )
    assert.is(await rig.client.outcome(), outcome, JSON.stringify(field))
    assert.equal(rig.trailers, kept, JSON.stringify(field))
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
    await rig.open()
    assert.match(await rig.outcomeOf(fields), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  }
  assert.is(rig.handled.length, 0)
})

test('a request without one of its pseudo-fields is refused', async () => {
  for (const name of [':method', ':path', ':scheme', ':authority']) {
    await rig.open()
    const fields = get().filter(([one]) => one !== name)
    assert.match(await rig.outcomeOf(fields), /^(?:reset PROTOCOL_ERROR|answer 400)$/)
  }
  assert.is(rig.handled.length, 0)
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
    await rig.open()
    assert.match(
      await rig.outcomeOf(get({ ':path': path })),
      /^(?:reset PROTOCOL_ERROR|answer 400)$/,
      path,
    )
  }
  assert.is(rig.handled.length, 0)
})

test('T41: a :method that is no token is refused, CONNECT and TRACE are not allowed', async () => {
  for (const method of ['GET / HTTP/1.1', 'G\nET', '']) {
    await rig.open()
    assert.match(
      await rig.outcomeOf(get({ ':method': method })),
      /^(?:reset PROTOCOL_ERROR|answer 400)$/,
    )
  }
  await rig.open()
  assert.is(await rig.outcomeOf(get({ ':method': 'TRACE' })), 'answer 405')
  await rig.open()
  const connect: [string, string][] = [
    [':method', 'CONNECT'],
    [':authority', 'localhost:443'],
  ]
  assert.match(await rig.outcomeOf(connect), /^(?:answer 405|reset PROTOCOL_ERROR)$/)
  assert.is(rig.handled.length, 0)
})

test('T42: a :scheme other than https is refused', async () => {
  for (const scheme of ['http://localhost/?', 'http', 'ftp', 'https ', '']) {
    await rig.open()
    const outcome = await rig.outcomeOf(get({ ':scheme': scheme }))
    assert.match(outcome, /^(?:answer 400|reset PROTOCOL_ERROR)$/, scheme)
  }
  assert.is(rig.handled.length, 0)
})

test('T43: an :authority with user information, spaces or slashes is refused', async () => {
  for (const authority of ['user@localhost', 'local host', 'localhost/x', 'localhost:x', 'a,b']) {
    await rig.open()
    const outcome = await rig.outcomeOf(get({ ':authority': authority }))
    assert.match(outcome, /^(?:answer 400|reset PROTOCOL_ERROR)$/, authority)
  }
  assert.is(rig.handled.length, 0)
})

test('an :authority and a Host that differ are refused; equal ones are one', async () => {
  assert.is(await rig.outcomeOf(get({}, [['host', 'other']])), 'answer 400')
  assert.is(rig.handled.length, 0)
  await rig.open()
  assert.is(await rig.outcomeOf(get({}, [['host', 'LOCALHOST']])), 'answer 200')
  assert.is(rig.handled[0]?.fields.filter((name) => name === 'host').length, 1)
})

test('T51: cookie crumbs become one field', async () => {
  const crumbs: [string, string][] = [
    ['cookie', 'a=1'],
    ['x', 'y'],
    ['cookie', 'b=2'],
    ['cookie', 'c=3'],
  ]
  assert.is(await rig.outcomeOf(get({}, crumbs)), 'answer 200')
  const { fields = [] } = rig.handled[0] ?? {}
  assert.equal(fields.slice(2), ['cookie', 'a=1; b=2; c=3', 'x', 'y'])
})
