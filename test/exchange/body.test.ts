import { isGatewayError } from '../../host/errors.ts'
import { BODY_HIGH_WATER, Body, type BodySink, type BodySource } from '../../host/exchange/body.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('exchange/body')

function source(): BodySource & { calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    resume: () => calls.push('resume'),
    pause: () => calls.push('pause'),
    cancel: () => calls.push('cancel'),
  }
}

function sink(room = true): BodySink & { text: string; ended: boolean; error: Error | null } {
  return {
    text: '',
    ended: false,
    error: null,
    write(chunk) {
      this.text += chunk.toString('latin1')
      return room
    },
    end() {
      this.ended = true
    },
    fail(error) {
      this.error = error
    },
  }
}

test('a stream that ended before anybody looked is whole', () => {
  const body = Body.stream(source(), 6)
  body.push(Buffer.from('abc'))
  body.push(Buffer.from('def'))
  assert.not(body.isWhole)
  body.end()
  assert.ok(body.isWhole)
  assert.is(body.whole().toString(), 'abcdef')
  assert.is(body.whole().toString(), 'abcdef')
})

test('what waits is sent first, in order, then what follows', () => {
  const body = Body.stream(source())
  const to = sink()
  body.push(Buffer.from('1'))
  body.push(Buffer.from('2'))
  body.pipe(to)
  body.push(Buffer.from('3'))
  body.end(['x', 'y'])
  assert.is(to.text, '123')
  assert.ok(to.ended)
})

test('a producer is paused when nobody reads, and goes on when somebody does', () => {
  const from = source()
  const body = Body.stream(from)
  body.push(Buffer.alloc(BODY_HIGH_WATER))
  assert.equal(from.calls, ['pause'])
  body.pipe(sink())
  assert.equal(from.calls, ['pause', 'resume'])
})

test('a full consumer pauses the producer until it says that it has room', () => {
  const from = source()
  const body = Body.stream(from)
  body.pipe(sink(false))
  body.push(Buffer.from('a'))
  body.push(Buffer.from('b'))
  assert.equal(from.calls, ['pause'])
  body.resume()
  assert.equal(from.calls, ['pause', 'resume'])
})

test('a body that broke off says so to whoever reads it, before and after', () => {
  const early = Body.stream(source())
  early.push(Buffer.from('part'))
  early.fail(new Error('gone'))
  const first = sink()
  early.pipe(first)
  assert.is(first.error?.message, 'gone')
  const late = Body.stream(source())
  const second = sink()
  late.pipe(second)
  late.fail(new Error('gone later'))
  assert.is(second.error?.message, 'gone later')
  assert.not(second.ended)
})

test('collect waits for a stream, and the bytes can be sent afterwards', async () => {
  const body = Body.stream(source())
  const collected = body.collect(100)
  body.push(Buffer.from('abc'))
  body.end()
  assert.is((await collected).toString(), 'abc')
  const to = sink()
  body.pipe(to)
  assert.is(to.text, 'abc')
  assert.ok(to.ended)
})

test('collect refuses a body over the limit before it is held, and cancels the producer', async () => {
  const announced = Body.stream(source(), 101)
  const from = source()
  const streamed = Body.stream(from)
  const pending = streamed.collect(100)
  streamed.push(Buffer.alloc(101))
  for (const one of [announced.collect(100), pending]) {
    try {
      await one
      assert.unreachable('it was collected')
    } catch (error) {
      assert.ok(isGatewayError(error, 'REQUEST_BODY_TOO_LARGE'))
    }
  }
  assert.ok(from.calls.includes('cancel'))
})

test('cancel frees the producer once and drops what comes later', () => {
  const from = source()
  const body = Body.stream(from)
  body.push(Buffer.from('a'))
  body.cancel(new Error('nobody wants it'))
  body.cancel(new Error('again'))
  body.push(Buffer.from('b'))
  assert.equal(from.calls, ['cancel'])
})

test('a reason in words is an error for the producer, and for who asks for the body then', async () => {
  const given: unknown[] = []
  const body = Body.stream({ ...source(), cancel: (error) => void given.push(error) })
  body.cancel('nobody wants it')
  assert.is(given.length, 1)
  assert.instance(given[0], Error)
  try {
    await body.collect()
    assert.unreachable('it was collected')
  } catch (error) {
    assert.is(error, given[0])
  }
  assert.is((given[0] as Error).message, 'nobody wants it')
})

test('a body is read at most once', () => {
  const body = Body.bytes(Buffer.from('a'))
  body.pipe(sink())
  const second = sink()
  body.pipe(second)
  assert.is(second.error?.message, 'the body was already read')
})

test('a body of text gives the same bytes, whoever asks for them', async () => {
  const text = 'caf\xe9\x00\xff'
  const body = Body.latin1(text)
  assert.equal([body.isWhole, body.isEmpty, body.announcedLength], [true, false, 6])
  assert.is(body.latin1, text)
  assert.is(body.whole().latin1Slice(), text)
  assert.is(body.latin1, null)
  assert.is((await Body.latin1(text).collect()).latin1Slice(), text)
  const pieces: Buffer[] = []
  const sink = {
    write: (chunk: Buffer) => pieces.push(chunk) > 0,
    end: () => undefined,
    fail: () => undefined,
  }
  Body.latin1(text).pipe(sink)
  assert.is(Buffer.concat(pieces).latin1Slice(), text)
  assert.ok(Body.latin1('').isEmpty)
})

test('memory goes back to the producer only when nobody refers to it', () => {
  const given: Buffer[] = []
  const source = {
    resume: () => undefined,
    pause: () => undefined,
    cancel: () => undefined,
    giveBack: (chunk: Buffer) => void given.push(chunk),
  }
  const first = Buffer.from('1')
  let hasLetGo = true
  const sink = {
    write: () => true,
    end: () => undefined,
    fail: () => undefined,
    hasLetGo: () => hasLetGo,
  }
  const body = Body.stream(source)
  assert.not.ok(body.push(first), 'it waits in the body')
  body.pipe(sink)
  assert.equal(given, [first])
  assert.ok(body.push(Buffer.from('2')))
  hasLetGo = false
  assert.not.ok(body.push(Buffer.from('3')), 'a part is still to be written')

  const keeping = Body.stream(source)
  keeping.pipe({ write: () => true, end: () => undefined, fail: () => undefined })
  assert.not.ok(keeping.push(first), 'a sink that says nothing may keep it')

  const tapped = Body.stream(source)
  tapped.tap({ chunk: () => undefined, end: () => undefined })
  tapped.push(first)
  hasLetGo = true
  tapped.pipe(sink)
  assert.not.ok(tapped.push(first), 'so may a tap')
  assert.is(given.length, 1)
})
