import { isGatewayError } from '../../../host/errors.ts'
import { DATA_LIMITS, ENTRY_OVERHEAD } from '../../../host/wasm/data/data-limits.ts'
import { DataKind, DataOperation, DataReply } from '../../../host/wasm/data/data-operation.ts'
import { DataStore } from '../../../host/wasm/data/data-store.ts'
import { Errno } from '../../../host/wasm/limits.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/data/data-store')

let nowMs = 0
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'))

/** A store whose clock is `nowMs`, with small limits where a test names them. */
const storeOf = (limits: Partial<typeof DATA_LIMITS> = {}): DataStore =>
  new DataStore({ ...DATA_LIMITS, ...limits }, () => nowMs)

type Fields = Partial<Omit<DataOperation, 'kind' | 'value'>> & { readonly value?: string }

function run(
  store: DataStore,
  kind: keyof typeof DataKind,
  fields: Fields,
  space = 'a',
): DataReply {
  const operation = new DataOperation()
  const { value, ...others } = fields
  Object.assign(operation, others, { kind: DataKind[kind] })
  if (value !== undefined) operation.value = bytes(value)
  const reply = new DataReply()
  store.execute(space, operation, reply)
  return reply
}

function read(store: DataStore, key: string, space = 'a'): string | null {
  const reply = run(store, 'get', { key }, space)
  return reply.code === Errno.absent ? null : Buffer.from(reply.value).toString('utf8')
}

test('what is put is there until it is deleted, and for nobody else (X22)', () => {
  const store = storeOf()
  assert.is(read(store, 'k'), null)
  assert.is(run(store, 'put', { key: 'k', value: 'v' }).code, 0)
  assert.is(run(store, 'put', { key: '../b/k', value: 'mine' }).code, 0)
  assert.is(read(store, 'k'), 'v')
  assert.is(read(store, 'k', 'b'), null)
  assert.is(read(store, '../a/k', 'b'), null)
  assert.is(run(store, 'count', { key: '' }, 'b').code, 0)
  assert.is(run(store, 'delete', { key: 'k' }).code, 1)
  assert.is(run(store, 'delete', { key: 'k' }).code, 0)
  assert.is(read(store, 'k'), null)
})

test('a swap writes only over what was expected', () => {
  const store = storeOf()
  const swap = (expected: string | null, value: string): number =>
    run(store, 'swap', { key: 'k', expected: expected === null ? null : bytes(expected), value })
      .code
  assert.is(swap('x', 'y'), 0)
  assert.is(swap(null, 'one'), 1)
  assert.is(swap(null, 'two'), 0)
  assert.is(swap('one', 'two'), 1)
  assert.is(swap('', 'three'), 0)
  assert.is(read(store, 'k'), 'two')
})

test('integers and numbers are counted up from 0, and read as text', () => {
  const store = storeOf()
  assert.is(run(store, 'addInteger', { key: 'i', integer: 5n }).integer, 5n)
  assert.is(run(store, 'addInteger', { key: 'i', integer: -7n }).integer, -2n)
  assert.is(read(store, 'i'), '-2')
  assert.is(run(store, 'addFloat', { key: 'f', float: 0.5 }).float, 0.5)
  assert.is(run(store, 'addFloat', { key: 'f', float: 1e21 }).float, 1e21)
  assert.is(run(store, 'addFloat', { key: 'i', float: 0.25 }).float, -1.75)
  assert.is(run(store, 'addInteger', { key: 'i', integer: 1n }).code, Errno.invalid)
  assert.is(read(store, 'i'), '-1.75')
})

test('what is no number, or would leave 64 bits, is not counted', () => {
  const store = storeOf()
  const largest = 2n ** 63n - 1n
  assert.is(run(store, 'addInteger', { key: 'i', integer: largest }).integer, largest)
  assert.is(run(store, 'addInteger', { key: 'i', integer: 1n }).code, Errno.invalid)
  assert.is(read(store, 'i'), String(largest))
  run(store, 'put', { key: 't', value: 'text' })
  assert.is(run(store, 'addInteger', { key: 't', integer: 1n }).code, Errno.invalid)
  assert.is(run(store, 'addFloat', { key: 'g', float: 1e308 }).code, 0)
  assert.is(run(store, 'addFloat', { key: 'g', float: 1e308 }).code, Errno.invalid)
  // Easegress counts from 0 then.
  const lenient = run(store, 'addInteger', { key: 't', integer: 3n, isLenient: true })
  assert.is(lenient.integer, 3n)
})

test('a value ends after its life; a counter keeps the end it was made with', () => {
  const store = storeOf()
  nowMs = 1_000
  run(store, 'put', { key: 'k', value: 'v', ttlMs: 100 })
  run(store, 'addInteger', { key: 'calls', integer: 1n, ttlMs: 100 })
  nowMs = 1_099
  assert.is(read(store, 'k'), 'v')
  assert.is(run(store, 'addInteger', { key: 'calls', integer: 1n, ttlMs: 100 }).integer, 2n)
  nowMs = 1_100
  assert.is(read(store, 'k'), null)
  assert.is(run(store, 'count', { key: '' }).code, 0)
  assert.is(run(store, 'addInteger', { key: 'calls', integer: 1n, ttlMs: 100 }).integer, 1n)
  run(store, 'put', { key: 'calls', value: 'for ever' })
  nowMs = 10_000
  assert.is(read(store, 'calls'), 'for ever')
})

test('keys are counted by their beginning', () => {
  const store = storeOf()
  for (const key of ['a:1', 'a:2', 'b:1']) run(store, 'put', { key, value: '' })
  assert.is(run(store, 'count', { key: 'a:' }).code, 2)
  assert.is(run(store, 'count', { key: '' }).code, 3)
  assert.is(run(store, 'count', { key: 'c' }).code, 0)
})

test('every limit refuses what is past it and changes nothing (X22)', () => {
  const keys = storeOf({ keysPerNamespace: 2 })
  for (const key of ['1', '2', '3']) run(keys, 'put', { key, value: '' })
  assert.is(run(keys, 'put', { key: '3', value: '' }).code, Errno.tooLarge)
  assert.is(run(keys, 'addInteger', { key: '3', integer: 1n }).code, Errno.tooLarge)
  assert.is(run(keys, 'put', { key: '2', value: 'new' }).code, 0)
  assert.equal([read(keys, '2'), read(keys, '3')], ['new', null])
  assert.is(keys.status().refused, 3)

  const store = storeOf()
  assert.is(run(store, 'put', { key: 'k'.repeat(256), value: '' }).code, 0)
  assert.is(run(store, 'put', { key: 'k'.repeat(257), value: '' }).code, Errno.tooLarge)
  assert.is(run(store, 'put', { key: 'ü'.repeat(129), value: '' }).code, Errno.tooLarge)
  assert.is(run(store, 'put', { key: '', value: '' }).code, Errno.invalid)
  assert.is(run(store, 'put', { key: 'v', value: 'v'.repeat(64 * 1024) }).code, 0)
  assert.is(run(store, 'put', { key: 'v', value: 'v'.repeat(64 * 1024 + 1) }).code, Errno.tooLarge)

  const cost = 1 + 100 + ENTRY_OVERHEAD
  const small = storeOf({ namespaceBytes: 2 * cost, totalBytes: 3 * cost })
  const put = (key: string, space: string, size = 100): number =>
    run(small, 'put', { key, value: 'v'.repeat(size) }, space).code
  assert.equal([put('1', 'a'), put('2', 'a'), put('3', 'a')], [0, 0, Errno.tooLarge])
  assert.equal([put('1', 'b'), put('2', 'b')], [0, Errno.tooLarge])
  assert.is(put('1', 'a', 101), Errno.tooLarge)
  assert.is(put('1', 'a', 99), 0)
})

test('what has ended makes room', () => {
  nowMs = 0
  const store = storeOf({ keysPerNamespace: 2 })
  run(store, 'put', { key: '1', value: '', ttlMs: 10 })
  run(store, 'put', { key: '2', value: '' })
  assert.is(run(store, 'put', { key: '3', value: '' }).code, Errno.tooLarge)
  nowMs = 10
  assert.is(run(store, 'put', { key: '3', value: '' }).code, 0)
  assert.equal(
    store.list('a').map(([key]) => key),
    ['2', '3'],
  )
})

test('entries are written all or not at all, listed sorted, and cleared', () => {
  const store = storeOf({ keysPerNamespace: 2 })
  const map = (...keys: string[]): Map<string, Uint8Array> =>
    new Map(keys.map((key) => [key, bytes(`v${key}`)]))
  store.write('a', map('2', '1'))
  assert.equal(
    store.list('a').map(([key, value]) => `${key}=${Buffer.from(value).toString()}`),
    ['1=v1', '2=v2'],
  )
  try {
    store.write('a', map('1', '3'))
    assert.unreachable('it was past a limit')
  } catch (error) {
    assert.ok(isGatewayError(error, 'DATA_LIMIT'), String(error))
    assert.is(error.params.limit, 'keysPerNamespace')
  }
  assert.is(store.list('a').length, 2)
  assert.equal(store.status().namespaces, [
    { namespace: 'a', keys: 2, bytes: 2 * (1 + 2 + ENTRY_OVERHEAD) },
  ])
  assert.is(store.clear('a'), 2)
  assert.equal(store.list('a'), [])
})
