import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { caseSuite } from './case-suite.ts'
import {
  ACK,
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  get,
  HEADERS,
  PREFACE,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts'

const { test, rig } = caseSuite('http/h2/cases')

test('a plain request is answered', async () => {
  assert.is(await rig.outcomeOf(get()), 'answer 200')
})

test('T01: what is no preface ends the connection, and so does silence', async () => {
  await rig.open(true)
  rig.client.send(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  // Node calls it an error of its own.
  assert.match(await rig.client.over(), /^(?:closed|goaway (?:PROTOCOL|INTERNAL)_ERROR)$/)
  await rig.open(true)
  rig.client.send(Buffer.from(PREFACE.slice(0, 10)))
  assert.match(await rig.client.over(), /^(?:closed|goaway NO_ERROR)$/)
  assert.is(rig.handled.length, 0)
})

test('T04: HEADERS with an id below an earlier one reach nobody', async () => {
  await rig.client.head(5, get()).outcome(5)
  rig.client.head(3, get({ ':path': '/lower' }))
  // Node passes over them in silence; the next request shows that it has read them.
  const next = await rig.client.head(7, get()).outcome(7)
  assert.match(next, /^(?:answer 200|goaway PROTOCOL_ERROR)$/)
  assert.not(rig.handled.some(({ path }) => path === '/lower'))
})

test('T07: DATA between HEADERS and CONTINUATION ends the connection', async () => {
  rig.client.send(frame(HEADERS, 0, 1, block(get())), frame(DATA, END_STREAM, 1, Buffer.from('x')))
  assert.is(await rig.client.outcome(), 'goaway PROTOCOL_ERROR')
  assert.is(rig.handled.length, 0)
})

test('T21: a window past 2^31-1 ends the connection', async () => {
  const grow = frame(WINDOW_UPDATE, 0, 0, Buffer.of(0x7f, 0xff, 0xff, 0xff))
  rig.client.send(grow, grow)
  assert.is(await rig.client.over(), 'goaway FLOW_CONTROL_ERROR')
  await until(() => rig.server.connections === 0, 'the connection is gone')
})

test('T23: RST_STREAM on an idle stream ends the connection', async () => {
  rig.client.send(frame(RST_STREAM, 0, 1, Buffer.of(0, 0, 0, 8)))
  assert.is(await rig.client.over(), 'goaway PROTOCOL_ERROR')
})

test('T24: DATA and HEADERS on a closed stream reach nobody', async () => {
  assert.is(await rig.outcomeOf(get()), 'answer 200')
  rig.client.send(frame(DATA, END_STREAM, 1, Buffer.from('x')))
  rig.client.head(1, get({ ':path': '/again' }))
  // Node says nothing about them, or ends the connection; the next request shows that it has read them.
  const next = await rig.client.head(3, get({ ':path': '/next' })).outcome(3)
  assert.match(next, /^(?:answer 200|goaway (?:STREAM_CLOSED|PROTOCOL_ERROR))$/)
  assert.not(rig.handled.some(({ path }) => path === '/again'))
})

test('T26: broken header compression ends the connection', async () => {
  const broken = {
    'index 0': Buffer.of(0x80),
    'an index beyond the table': Buffer.of(0xff, 0xff, 0x7f),
    'bad Huffman': Buffer.of(0x00, 0x81, 0xff, 0x01, 0x61),
    'a table above the limit': Buffer.of(0x3f, 0xff, 0xff, 0x7f),
  }
  for (const [what, bytes] of Object.entries(broken)) {
    await rig.open()
    rig.client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes))
    assert.is(await rig.client.over(), 'goaway COMPRESSION_ERROR', what)
  }
  assert.is(rig.handled.length, 0)
})

test('T46: a body shorter than its content-length is reset, and who reads it is told', async () => {
  rig.client.head(1, get({ ':method': 'POST' }, [['content-length', '5']]), END_HEADERS)
  await until(() => rig.handled.length === 1, 'the request is there')
  rig.client.send(frame(DATA, END_STREAM, 1, Buffer.from('abc')))
  assert.is(await rig.client.outcome(), 'reset PROTOCOL_ERROR')
  await until(() => rig.handled[0]?.isAborted === true, 'the exchange is aborted')
})

test('a body longer than its content-length is no request', async () => {
  rig.client.head(1, get({ ':method': 'POST' }, [['content-length', '2']]), END_HEADERS)
  rig.client.send(frame(DATA, END_STREAM, 1, Buffer.from('abc')))
  // Node ends the whole connection for it.
  assert.match(
    await rig.client.outcome(),
    /^(?:reset PROTOCOL_ERROR|goaway (?:PROTOCOL|INTERNAL)_ERROR)$/,
  )
  await until(() => rig.handled.every(({ isAborted }) => isAborted), 'nobody was answered')
})

test('T48: a request that ends with its head and announces a body is reset', async () => {
  const fields = get({ ':method': 'POST' }, [['content-length', '5']])
  assert.is(await rig.outcomeOf(fields), 'reset PROTOCOL_ERROR')
  assert.is(rig.handled.length, 0)
})

test('T53: PUSH_PROMISE from a client ends the connection', async () => {
  rig.client.send(
    frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([Buffer.of(0, 0, 0, 2), block(get())])),
  )
  assert.is(await rig.client.over(), 'goaway PROTOCOL_ERROR')
})

test('T54: the 101st stream at once is refused', async () => {
  const post = get({ ':method': 'POST' })
  for (let i = 0; i <= 100; i++) rig.client.head(1 + 2 * i, post, END_HEADERS)
  assert.is(await rig.client.outcome(201), 'reset REFUSED_STREAM')
  await until(() => rig.handled.length === 100, 'the others are there')
})

test('a client that makes one mistake after the other loses its connection', async () => {
  for (let i = 0; i < 150 && !rig.client.hasEnded; i++) {
    await rig.client.head(1 + 2 * i, get({ ':scheme': 'ftp' })).outcome(1 + 2 * i)
  }
  assert.is(await rig.client.over(), 'goaway ENHANCE_YOUR_CALM')
  await rig.othersAreServed()
})

test('settings are acknowledged, and say what is taken', async () => {
  await rig.client.until(() => rig.client.types.filter((type) => type === SETTINGS).length >= 2)
  rig.client.send(frame(SETTINGS, ACK, 0))
  assert.is(await rig.outcomeOf(get()), 'answer 200')
})
