import { Headers } from '../../../host/exchange/headers.ts'
import { Errno, GUEST_LIMITS } from '../../../host/wasm/limits.ts'
import { type HostCalls, openHostCalls } from '../../support/host-calls.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/abi/host-calls')

const REQUEST = 0
const RESPONSE = 1

/** A call on a request; with `response` in its response phase. */
function opened(response = false): HostCalls {
  const host = openHostCalls('penstock_v1')
  const responseHeaders = new Headers(['server', 'x'])
  host.begin(response ? { phase: 1, status: 200, responseHeaders } : {})
  return host
}

const idOf = (host: HostCalls, name: string): number =>
  host.call('header_id', ...host.text(name)) as number

test('a length that wraps around the address space is a trap, in every call that takes one (X02)', () => {
  const host = opened()
  const id = idOf(host, 'x-a')
  const calls: [string, ...number[]][] = [
    ['header_id', 0xffff_fff0, 0x20],
    ['header_set', REQUEST, id, 0xffff_ff00, 0x200],
    ['field_set', 1, -16, 32],
    ['tag', -1, 2],
    ['log', 1, 0x8000_0000, 0x100],
    ['param_get', -8, 16, 0, 10],
    ['ctx_put', -8, 16, 0, 0],
    ['kv_put', -8, 16, 0, 0, 0],
  ]
  for (const [name, ...args] of calls) {
    assert.throws(() => host.call(name, ...args), /outside the memory/, name)
  }
  assert.is(host.guest.changes.size, 0)
})

test('a length inside the memory and past its limit is refused before anything is copied (X04)', () => {
  const host = opened()
  const id = idOf(host, 'x-a')
  const [pointer] = host.text('v')
  const before = process.memoryUsage().arrayBuffers
  const tooLong = 100_000
  for (const [name, ...args] of [
    ['header_set', REQUEST, id, pointer, tooLong],
    ['header_add', REQUEST, id, pointer, tooLong],
    ['header_id', pointer, tooLong],
    ['field_set', 1, pointer, tooLong],
    ['tag', pointer, tooLong],
    ['ctx_put', pointer, 1, pointer, tooLong],
    ['kv_put', pointer, 1, pointer, tooLong, 0],
  ] as const) {
    assert.is(host.call(name, ...args), Errno.tooLarge, name)
  }
  host.call('log', 1, pointer, tooLong)
  assert.is(host.logs.length, 1)
  assert.ok((host.logs[0]?.length ?? 0) <= GUEST_LIMITS.logBytes + 2, 'it was cut')
  assert.is(host.guest.changes.size, 0)
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})

test('a buffer to read into may lie over what is asked for: it is read first (X05)', () => {
  const host = opened()
  const [pointer, length] = host.text('color')
  assert.is(host.call('param_get', pointer, length, pointer, 100), 4)
  assert.is(host.memory().latin1Slice(pointer, pointer + 4), 'blue')
})

test('a header name that is no token, and a value with a line end, are refused (X11)', () => {
  const host = opened()
  for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'na\u00efve', '(x)', 'a\0']) {
    assert.is(idOf(host, name), Errno.invalid, JSON.stringify(name))
  }
  const id = idOf(host, 'x-a')
  for (const value of ['a\r\nset-cookie: b', 'a\nb', 'a\0b', ' \x7f']) {
    assert.is(host.call('header_set', REQUEST, id, ...host.text(value)), Errno.invalid)
  }
  assert.is(host.guest.changes.size, 0)
})

test('framing, connection and host headers can be read and never written (X12)', () => {
  const names = 'content-length transfer-encoding connection upgrade trailer host keep-alive te'
  for (const message of [REQUEST, RESPONSE]) {
    const host = opened(message === RESPONSE)
    for (const name of names.split(' ')) {
      const id = idOf(host, name)
      assert.is(host.call('header_set', message, id, ...host.text('1')), Errno.denied, name)
      assert.is(host.call('header_add', message, id, ...host.text('1')), Errno.denied, name)
      assert.is(host.call('header_remove', message, id), Errno.denied, name)
    }
    assert.is(idOf(host, ':authority'), Errno.invalid)
    assert.is(host.guest.changes.size, 0)
  }
})

test('a status that is none is refused (X13)', () => {
  const host = opened(true)
  for (const status of [0, 1, 99, 100, 101, 199, 600, 999, 1000, -1, 0x7fff_ffff]) {
    assert.is(host.call('status_set', status), Errno.invalid, String(status))
  }
  const request = opened()
  assert.is(request.call('reply', 101, 0, 0), Errno.invalid)
  assert.is(request.guest.hasReplied, false)
})

test('a million headers are refused past 128 fields and 64 KiB (X14)', () => {
  const host = opened()
  const id = idOf(host, 'x-a')
  const [pointer] = host.text('v'.repeat(1_000))
  let added = 0
  for (let i = 0; i < 1_000_000; i++) {
    if (host.call('header_add', REQUEST, id, pointer, 1) !== 0) break
    added += 1
  }
  assert.is(added, GUEST_LIMITS.headers - 2, 'the request has two of its own')
  const second = opened()
  const large = idOf(second, 'x-a')
  const [value] = second.text('v'.repeat(20_000))
  const codes = [1, 2, 3, 4].map(() => second.call('header_set', REQUEST, large, value, 20_000))
  assert.equal(codes, [0, 0, 0, Errno.tooLarge])
})

test('a path names nothing but a path on this host, and has no way out of it (X15)', () => {
  const host = opened()
  const bad = [
    ...[
      '',
      'a',
      'http://evil/',
      '//evil/',
      '/a b',
      '/a\r\nx: y',
      '/a?b',
      '/a#b',
      '/\u00e9',
      '/%zz',
    ],
    ...['/../admin', '/a/..', '/a/%2e%2e/b', '/%2E./x', '/a/./b', '*', '/a\\b\0'],
  ]
  for (const path of bad) {
    assert.is(host.call('field_set', 1, ...host.text(path)), Errno.invalid, JSON.stringify(path))
  }
  assert.is(host.call('field_set', 1, host.text('/')[0], 1_000_000), Errno.tooLarge)
  assert.is(
    host.call('field_set', 4, ...host.text('evil')),
    Errno.denied,
    'the host is not its own',
  )
  assert.is(host.call('field_set', 1, ...host.text('/a/b%20c')), 0)
})

test('a body past the limit is refused, whatever length is named (X17)', () => {
  const host = opened()
  for (const length of [GUEST_LIMITS.bodyBytes + 1, 0x7fff_ffff, -1]) {
    assert.is(host.call('body_set', REQUEST, 0, length), Errno.tooLarge)
    assert.is(host.call('reply', 200, 0, length), Errno.tooLarge)
  }
  assert.throws(() => host.call('body_set', REQUEST, 0, GUEST_LIMITS.bodyBytes), /outside/)
})

test('a header id, a field or a message that does not exist is refused', () => {
  const host = opened()
  for (const id of [-1, 1, 255, 1 << 30]) {
    assert.is(host.call('header_get', REQUEST, id, 0, 10), Errno.invalid)
    assert.is(host.call('header_set', REQUEST, id, 0, 0), Errno.invalid)
  }
  assert.is(host.call('field_get', 99, 0, 10), Errno.absent)
  assert.is(host.call('header_get', 7, idOf(host, 'x'), 0, 10), Errno.wrongPhase)
})

test('time is told in whole milliseconds, and no memory is shared with a guest (X41)', () => {
  const host = opened()
  const seen = new Set<number>()
  const until = performance.now() + 20
  while (performance.now() < until) {
    host.begin()
    seen.add(host.call('now') as number)
  }
  assert.ok([...seen].every((ms) => Number.isInteger(ms)))
  assert.ok(seen.size <= 60, 'a busy loop sees no finer steps')
  assert.not(host.memory().buffer instanceof SharedArrayBuffer)
  const easegress = openHostCalls('easegress')
  easegress.begin()
  easegress.call('clock_time_get', 1, 1n, 64)
  assert.is(easegress.memory().readBigUInt64LE(64) % 1_000_000n, 0n, 'WASI has nanoseconds')
})
