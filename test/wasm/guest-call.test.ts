import { Headers } from '../../host/exchange/headers.ts'
import { Change } from '../../host/wasm/change-log.ts'
import { GuestCall } from '../../host/wasm/guest-call.ts'
import { Message } from '../../host/wasm/guest-input.ts'
import { headerName } from '../../host/wasm/header-name.ts'
import { Errno, GUEST_LIMITS } from '../../host/wasm/limits.ts'
import { itemThat } from '../support/obedient-guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/guest-call')

const X = headerName('X-A')

function requestCall(): GuestCall {
  const call = new GuestCall()
  call.load(itemThat('nothing'))
  return call
}

function responseCall(): GuestCall {
  const call = new GuestCall()
  call.load({
    ...itemThat('nothing'),
    phase: 1,
    status: 200,
    responseHeaders: new Headers(['a', 'b']),
  })
  return call
}

test('what belongs to the host cannot be set, added or removed', () => {
  for (const name of [
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Host',
    'Upgrade',
    'Trailer',
  ]) {
    const call = requestCall()
    const header = headerName(name)
    assert.is(call.setHeader(Message.request, header, '1'), Errno.denied, name)
    assert.is(call.addHeader(Message.request, header, '1'), Errno.denied, name)
    assert.is(call.removeHeader(Message.request, header), Errno.denied, name)
    assert.is(call.changes.size, 0)
  }
})

test('a value that would split the message is invalid', () => {
  const call = requestCall()
  for (const value of ['a\r\nb: c', 'a\n', '\0', ' a', 'a\t']) {
    assert.is(call.setHeader(Message.request, X, value), Errno.invalid, JSON.stringify(value))
  }
  assert.is(call.changes.size, 0)
})

test('a status is between 200 and 599', () => {
  for (const status of [0, 99, 101, 199, 600, 1000, -1]) {
    assert.is(requestCall().reply(status, new Uint8Array()), Errno.invalid, String(status))
    assert.is(responseCall().setStatus(status), Errno.invalid, String(status))
  }
  assert.is(responseCall().setStatus(503), 0)
})

test('a message that is not there, or no longer to be changed, is the wrong phase', () => {
  const request = requestCall()
  assert.is(request.setHeader(Message.response, X, 'a'), Errno.wrongPhase)
  assert.is(request.setStatus(200), Errno.wrongPhase)
  const response = responseCall()
  assert.is(response.setHeader(Message.request, X, 'a'), Errno.wrongPhase)
  assert.is(response.setField(Change.path, '/x'), Errno.wrongPhase)
  assert.is(response.reply(200, new Uint8Array()), Errno.wrongPhase)
  assert.is(request.setHeader(7, X, 'a'), Errno.invalid)
})

test('after a reply its head can be set', () => {
  const call = requestCall()
  assert.is(call.reply(401, new Uint8Array()), 0)
  assert.is(call.setHeader(Message.response, X, 'a'), 0)
  assert.is(call.setStatus(403), 0)
})

test('the bytes of all headers of one call are bounded', () => {
  const call = requestCall()
  const value = 'v'.repeat(30 * 1024)
  assert.is(call.setHeader(Message.request, X, value), 0)
  assert.is(call.setHeader(Message.request, X, value), 0)
  assert.is(call.setHeader(Message.request, X, value), Errno.tooLarge)
})

test('the number of fields is bounded', () => {
  const call = requestCall()
  let added = 0
  while (call.addHeader(Message.request, X, 'a') === 0) added += 1
  assert.is(added, GUEST_LIMITS.headers - call.input.requestHeaders.size)
})

test('per-request data is bounded in keys, length of keys and bytes', () => {
  const call = requestCall()
  assert.is(call.putContext('', new Uint8Array(1)), Errno.invalid)
  assert.is(call.putContext('k'.repeat(257), new Uint8Array(1)), Errno.tooLarge)
  assert.is(call.putContext('k', new Uint8Array(GUEST_LIMITS.contextBytes)), Errno.tooLarge)
  const many = requestCall()
  let put = 0
  while (many.putContext(`k${put}`, new Uint8Array(1)) === 0) put += 1
  assert.is(put, GUEST_LIMITS.contextKeys)
})

test('own writes are seen, and the input stays as it was', () => {
  const call = requestCall()
  const before = [...call.input.requestHeaders.list]
  call.setHeader(Message.request, X, 'new')
  call.removeHeader(Message.request, headerName('Accept'))
  call.putContext('k', new Uint8Array([7]))
  assert.is(call.headersOf(Message.request)?.get('x-a'), 'new')
  assert.not(call.headersOf(Message.request)?.has('accept'))
  assert.equal([...(call.context('k') ?? [])], [7])
  assert.equal([...call.input.requestHeaders.list], before)
})
