import { GuestCall } from '../../../host/wasm/guest-call.ts'
import { Errno, GUEST_LIMITS } from '../../../host/wasm/limits.ts'
import { type HostCalls, openHostCalls } from '../../support/host-calls.ts'
import { assert, suite } from '../../support/suite.ts'

/** Each limit of a host call: what is at it is taken, what is one past it is refused. */
const test = suite('wasm/abi/host-call-limits')

const REQUEST = 0
const PATH = 1

function opened(): HostCalls {
  const host = openHostCalls('penstock_v1')
  host.begin()
  return host
}

const idOf = (host: HostCalls, name: string): number =>
  host.call('header_id', ...host.text(name)) as number

test('the bytes of a header name', () => {
  const host = opened()
  assert.is(idOf(host, 'n'.repeat(GUEST_LIMITS.headerNameBytes)), 0)
  assert.is(idOf(host, 'n'.repeat(GUEST_LIMITS.headerNameBytes + 1)), Errno.tooLarge)
})

test('the header names an instance interns: all further ones share an id, and work for their call', () => {
  const host = opened()
  const { headerNames } = GUEST_LIMITS
  const ids = Array.from({ length: headerNames }, (_, i) => idOf(host, `x-${i}`))
  assert.equal(
    ids,
    Array.from({ length: headerNames }, (_, i) => i),
  )
  for (const name of ['x-more', 'x-yet-more']) {
    assert.is(idOf(host, name), headerNames)
    assert.is(host.call('header_set', REQUEST, headerNames, ...host.text('v')), 0)
    assert.is(host.guest.headersOf(REQUEST)?.get(name), 'v')
  }
  assert.is(idOf(host, 'x-0'), 0, 'what is interned stays')
})

test('the bytes of one header value', () => {
  const host = opened()
  const id = idOf(host, 'x-a')
  const { headerValueBytes } = GUEST_LIMITS
  const [pointer] = host.text('v'.repeat(headerValueBytes + 1))
  assert.is(host.call('header_set', REQUEST, id, pointer, headerValueBytes + 1), Errno.tooLarge)
  assert.is(host.guest.changes.size, 0)
  assert.is(host.call('header_set', REQUEST, id, pointer, headerValueBytes), 0)
})

test('the bytes of all headers that a call writes, and not of those the next one does', () => {
  const host = opened()
  const id = idOf(host, 'x-a')
  const [pointer] = host.text('v'.repeat(1_021))
  const write = (): unknown => host.call('header_set', REQUEST, id, pointer, 1_021)
  for (let i = 0; i < GUEST_LIMITS.headerBytes / 1_024; i++) assert.is(write(), 0, String(i))
  assert.is(write(), Errno.tooLarge)
  host.begin()
  assert.is(write(), 0)
})

test('the bytes of a path', () => {
  const host = opened()
  const { targetBytes } = GUEST_LIMITS
  const [pointer] = host.text(`/${'p'.repeat(targetBytes)}`)
  assert.is(host.call('field_set', PATH, pointer, targetBytes + 1), Errno.tooLarge)
  assert.is(host.call('field_set', PATH, pointer, targetBytes), 0)
})

test('the bytes of a key of per-request data', () => {
  const host = opened()
  const { contextKeyBytes } = GUEST_LIMITS
  const [pointer] = host.text('k'.repeat(contextKeyBytes + 1))
  assert.is(host.call('ctx_put', pointer, contextKeyBytes + 1, 0, 1), Errno.tooLarge)
  assert.is(host.call('ctx_put', pointer, contextKeyBytes, 0, 1), 0)
})

test('the log lines of a call', () => {
  const host = opened()
  const [pointer, length] = host.text('line')
  for (let i = 0; i < GUEST_LIMITS.logLines + 10; i++) host.call('log', 1, pointer, length)
  assert.is(host.logs.length, GUEST_LIMITS.logLines)
  host.begin()
  host.call('log', 1, pointer, length)
  assert.is(host.logs.length, GUEST_LIMITS.logLines + 1)
})

test('the capabilities of a call whose denials are counted', () => {
  const call = new GuestCall()
  for (let i = 0; i < GUEST_LIMITS.denials + 10; i++) call.deny(`headers.read x-${i}`)
  call.deny('headers.read x-0')
  assert.is(call.denials?.size, GUEST_LIMITS.denials)
  assert.is(call.denials?.get('headers.read x-0'), 2)
})
