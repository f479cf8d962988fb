import { Body } from '../../host/exchange/body.ts'
import { tapBody } from '../../host/upstream/body-tap.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('upstream/body-tap')

function setUp(limit = Number.POSITIVE_INFINITY) {
  const seen = { text: '', ends: 0, fails: 0, paused: 0, resumed: 0, canceled: '' }
  const source = Body.stream({
    resume: () => {
      seen.resumed += 1
    },
    pause: () => {
      seen.paused += 1
    },
    cancel: (error) => {
      seen.canceled = error.message
    },
  })
  const listener = {
    onChunk: (chunk: Buffer) => {
      seen.text += chunk.toString()
      return seen.text.length > limit ? new Error('too long') : null
    },
    onEnd: () => {
      seen.ends += 1
    },
    onFail: () => {
      seen.fails += 1
    },
  }
  return { seen, source, listener }
}

test('the bytes and the trailers pass on, and the listener sees the bytes', async () => {
  const { seen, source, listener } = setUp()
  const body = tapBody(source, listener)
  source.push(Buffer.from('one '))
  source.push(Buffer.from('two'))
  source.end(['x-sum', '1'])
  assert.is((await body.collect()).toString(), 'one two')
  assert.equal(body.trailers, ['x-sum', '1'])
  assert.equal([seen.text, seen.ends, seen.fails], ['one two', 1, 0])
})

test('a body that is whole stays whole', () => {
  const { seen, listener } = setUp()
  const body = tapBody(Body.text('all of it'), listener)
  assert.ok(body.isWhole)
  assert.is(body.whole().toString(), 'all of it')
  assert.is(seen.ends, 1)
})

test('a reader that is full pauses the producer, and resumes it', () => {
  const { seen, source, listener } = setUp()
  const body = tapBody(source, listener)
  let hasRoom = false
  body.pipe({ write: () => hasRoom, end: () => undefined, fail: () => undefined })
  source.push(Buffer.from('x'))
  assert.is(seen.paused, 1)
  hasRoom = true
  body.resume()
  assert.is(seen.resumed, 1)
})

test('the listener can break the body off, once, and the producer is stopped', async () => {
  const { seen, source, listener } = setUp(3)
  const body = tapBody(source, listener)
  source.push(Buffer.from('abc'))
  source.push(Buffer.from('d'))
  source.push(Buffer.from('e'))
  let reason = ''
  await Promise.resolve(body.collect()).catch((error: Error) => {
    reason = error.message
  })
  assert.equal([reason, seen.canceled, seen.fails, seen.ends], ['too long', 'too long', 1, 0])
})

test('a reader that gives up stops the producer; a producer that breaks off tells the reader', () => {
  const first = setUp()
  tapBody(first.source, first.listener).cancel(new Error('enough'))
  assert.equal([first.seen.canceled, first.seen.fails], ['enough', 1])
  const second = setUp()
  const body = tapBody(second.source, second.listener)
  let failed = ''
  body.pipe({
    write: () => true,
    end: () => undefined,
    fail: (error) => {
      failed = error.message
    },
  })
  second.source.fail(new Error('broken'))
  assert.equal([failed, second.seen.fails], ['broken', 1])
})
