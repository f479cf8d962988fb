import { Exchange } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('exchange/exchange')
const END = { status: 200, durationMs: 1, sentBytes: 0, isComplete: true }

function exchange(): Exchange {
  return new Exchange(makeRequest({}), 'server', 0)
}

test('owed phases run last first, and wait for one that returns a promise', async () => {
  const one = exchange()
  const order: string[] = []
  one.owe({ run: () => void order.push('first') })
  one.owe({ run: () => Promise.resolve().then(() => void order.push('second')) })
  one.owe({ run: () => void order.push('third') })
  await one.runOwed()
  assert.equal(order, ['third', 'second', 'first'])
})

test('what it holds is released once, at its end', () => {
  const one = exchange()
  let released = 0
  one.hold({ release: () => void released++ })
  one.finish(END)
  one.finish(END)
  assert.is(released, 1)
})

test('its generations are released when its phases have ended, what else it holds at its end', () => {
  const one = exchange()
  const released: string[] = []
  one.hold({ release: () => void released.push('limit') })
  one.holdGeneration({ release: () => void released.push('before') })
  one.holdGeneration({ release: () => void released.push('main') })
  one.endPhases()
  assert.equal(released, ['before', 'main'])
  one.holdGeneration({ release: () => void released.push('after') })
  one.endPhases()
  one.endPhases()
  assert.equal(released, ['before', 'main', 'after'])
  one.finish(END)
  assert.equal(released, ['before', 'main', 'after', 'limit'])
})

test('with a phase after the last byte, its generations are released when that has settled', async () => {
  const one = exchange()
  let released = 0
  let settle: () => void = () => undefined
  one.holdGeneration({ release: () => void released++ })
  one.expectLatePhase()
  one.onDone(() => one.holdUntil(new Promise((resolve) => (settle = resolve))))
  one.endPhases()
  one.finish(END)
  assert.is(released, 0)
  settle()
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(released, 1)
})

test('what it holds is kept until work started at its end has settled', async () => {
  const one = exchange()
  let released = 0
  let settle: () => void = () => undefined
  one.hold({ release: () => void released++ })
  one.onDone(() => {
    one.holdUntil(new Promise((resolve) => (settle = resolve)))
  })
  one.finish(END)
  assert.is(released, 0)
  settle()
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(released, 1)
})

test('a listener hears of an abort, also when it comes late, and not after the end', () => {
  const one = exchange()
  let heard = 0
  one.onAbort(() => void heard++)
  one.abort()
  one.abort()
  one.onAbort(() => void heard++)
  assert.is(heard, 2)
  const two = exchange()
  two.onAbort(() => void heard++)
  two.finish(END)
  two.abort()
  assert.is(heard, 2)
})

test('request ids do not repeat', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => exchange().id))
  assert.is(ids.size, 1000)
  const one = exchange()
  assert.is(one.id, one.id)
})

test('escapes are decoded for routes and kept for upstreams', () => {
  const request = makeRequest({ target: '/%61dmin/%C3%A9?q=%41' })
  assert.is(request.decodedPath, '/admin/é')
  assert.is(request.path, '/%61dmin/%C3%A9')
  assert.is(request.query, 'q=%41')
  request.path = '/other'
  assert.is(request.decodedPath, '/other')
})
