import { Headers } from '../../../host/exchange/headers.ts'
import { Change } from '../../../host/wasm/change-log.ts'
import { DataStore } from '../../../host/wasm/data/data-store.ts'
import type { GuestItem, GuestOutcome } from '../../../host/wasm/executor.ts'
import { InlineExecutor } from '../../../host/wasm/inline-executor.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/abi/easegress')

/** Allocates upwards from 4096; `$str` reads its strings from low memory, "headers" as data segments. */
const ALLOCATOR = `
  (global $next (mut i32) (i32.const 4096))
  (func (export "wasm_alloc") (param i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next
      (i32.and (i32.add (i32.add (local.get $at) (local.get 0)) (i32.const 7)) (i32.const -8)))
    (local.get $at))
  (func (export "wasm_free") (param i32))`

/** A string in the text format: length with its NUL, bytes, NUL. */
const string = (at: number, text: string): string => {
  const bytes = Buffer.from(text, 'latin1')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length + 1)
  const escaped = [...length, ...bytes, 0].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`)
  return `(data (i32.const ${at}) "${escaped.join('')}")`
}

interface Options {
  readonly item?: Partial<GuestItem>
  readonly parameters?: Readonly<Record<string, string>>
  readonly logs?: string[]
  readonly store?: DataStore
  readonly fuel?: number
}

function execute(text: string, options: Options = {}): GuestOutcome {
  const { bytes } = gateModule(wat(text))
  const executor = new InlineExecutor(
    {
      id: 1,
      name: 'guest',
      abi: 'easegress',
      module: new WebAssembly.Module(Uint8Array.from(bytes)),
      parameters: new Map(Object.entries(options.parameters ?? {})),
      fuel: options.fuel ?? 20_000_000,
      data: 'a',
      reset: 'never',
    },
    (level, message) => options.logs?.push(`${level} ${message}`),
    (options.store ?? new DataStore()).port('a'),
  )
  return executor.submit({ ...itemThat('x'), ...options.item })
}

/** A module whose `wasm_run` is this code. */
function kindsOf({ changes }: GuestOutcome): number[] {
  return (changes?.entries() ?? []).map(([kind]) => kind)
}

const module = (imports: string, run: string, others = ALLOCATOR): string => `(module
  ${imports}
  (memory (export "memory") 1)
  ${others}
  (func (export "wasm_run") (result i32) ${run}))`

const IP = '(import "easegress" "host_req_get_real_ip" (func $ip (result i32)))'

test('a string is its length with the byte 0, its bytes and that byte, in memory of that size', () => {
  // 127.0.0.1 is 9 bytes: 4 + 9 + 1. Any other size is refused by this allocator.
  const strict = `
    (func (export "wasm_alloc") (param i32) (result i32)
      (if (i32.ne (local.get 0) (i32.const 14)) (then unreachable))
      (i32.const 4096))
    (func (export "wasm_free") (param i32))`
  const check = `(drop (call $ip))
    (if (i32.ne (i32.load (i32.const 4096)) (i32.const 10)) (then (return (i32.const 1))))
    (if (i32.ne (i32.load8_u (i32.const 4100)) (i32.const 49)) (then (return (i32.const 2))))
    (if (i32.ne (i32.load8_u (i32.const 4108)) (i32.const 49)) (then (return (i32.const 3))))
    (if (i32.ne (i32.load8_u (i32.const 4109)) (i32.const 0)) (then (return (i32.const 4))))
    (i32.const 0)`
  const dirty =
    '(data (i32.const 4096) "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff")'
  assert.is(execute(module(IP, check, strict + dirty)).kind, 'next')
})

test('a pointer of the allocator that is 0, odd or outside the memory is a trap (X07)', () => {
  for (const pointer of ['0', '1', '4097', '65530', '-2', '0x7ffffffe']) {
    const broken = `
      (func (export "wasm_alloc") (param i32) (result i32) (i32.const ${pointer}))
      (func (export "wasm_free") (param i32))`
    const outcome = execute(module(IP, '(drop (call $ip)) (i32.const 0)', broken))
    assert.is(outcome.failure?.code, 'GUEST_TRAPPED', pointer)
  }
})

test('an allocator that grows the memory gets its value in the new memory (X06)', () => {
  const growing = `
    (func (export "wasm_alloc") (param i32) (result i32)
      (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
    (func (export "wasm_free") (param i32))`
  const run = '(i32.sub (i32.load (call $ip)) (i32.const 5))'
  assert.is(execute(module(IP, run, growing)).result, 5)
})

test('an allocator that asks the host for a string again and again is a trap (W34)', () => {
  const endless = `
    (func $alloc (export "wasm_alloc") (param i32) (result i32) (call $ip))
    (func (export "wasm_free") (param i32))`
  const outcome = execute(module(IP, '(drop (call $ip)) (i32.const 0)', endless))
  assert.is(outcome.kind, 'failed')
})

test('arguments are read before memory for the answer is asked for', () => {
  // This allocator overwrites the argument, as a garbage collector may.
  const overwriting = `
    (func (export "wasm_alloc") (param i32) (result i32)
      (memory.fill (i32.const 0) (i32.const 255) (i32.const 64)) (i32.const 4096))
    (func (export "wasm_free") (param i32))
    ${string(0, 'Accept')}`
  const get = '(import "easegress" "host_req_get_header" (func $get (param i32) (result i32)))'
  const outcome = execute(module(get, '(i32.load (call $get (i32.const 0)))', overwriting))
  assert.is(outcome.result, '*/*'.length + 1)
})

test('a length or a pointer outside the memory is a trap, and so is a value past its limit', () => {
  const set = '(import "easegress" "host_req_set_path" (func $set (param i32)))'
  const call = (pointer: number): string => `(call $set (i32.const ${pointer})) (i32.const 0)`
  const cases: [number, string, RegExp][] = [
    [65534, '', /outside the memory/],
    [-1, '', /outside the memory/],
    [65000, '(data (i32.const 65000) "\\ff\\1f\\00\\00")', /outside the memory/],
    [0, '(data (i32.const 0) "\\ff\\ff\\ff\\ff")', /a value of 4294967295 bytes, at most 8193/],
    [0, string(0, '//evil'), /is no path/],
    [0, string(0, '/../up'), /is no path/],
  ]
  for (const [pointer, data, message] of cases) {
    const { failure } = execute(module(set, call(pointer), ALLOCATOR + data))
    assert.is(failure?.code, 'GUEST_TRAPPED')
    assert.match(failure?.message ?? '', message)
  }
})

test('parameters arrive as pairs before the first run, and a module without wasm_init runs too', () => {
  const init = `${ALLOCATOR}
    (global $count (mut i32) (i32.const 0))
    (func (export "wasm_init") (param i32) (global.set $count (i32.load (local.get 0))))`
  const run = '(global.get $count)'
  assert.is(execute(module('', run, init), { parameters: { a: '1', b: '2' } }).result, 4)
  assert.is(execute(module('', run, init)).kind, 'next')
  assert.is(execute(module('', '(i32.const 9)')).result, 9)
})

const RESPONSE = `
  (import "easegress" "host_resp_get_status_code" (func $status (result i32)))
  (import "easegress" "host_resp_set_status_code" (func $setStatus (param i32)))
  (import "easegress" "host_resp_get_all_header" (func $headers (result i32)))
  (import "easegress" "host_resp_get_body" (func $body (result i32)))
  (import "easegress" "host_resp_set_header" (func $set (param i32 i32)))
  (import "easegress" "host_req_del_header" (func $delete (param i32)))`

test('a response that is not there reads as an empty one, and only a change makes it', () => {
  const read = `
    (drop (call $headers)) (drop (call $body))
    (i32.sub (call $status) (i32.const 200))`
  const outcome = execute(module(RESPONSE, read))
  assert.is(outcome.kind, 'next')
  assert.is(outcome.changes, null)
  const write = '(call $setStatus (i32.const 404)) (i32.sub (call $status) (i32.const 404))'
  const made = execute(module(RESPONSE, write))
  assert.is(made.kind, 'next')
  assert.equal(kindsOf(made), [Change.response, Change.status])
})

test('a status that is none is a trap, and with it nothing is changed', () => {
  for (const status of [0, 199, 600, -1]) {
    const outcome = execute(
      module(RESPONSE, `(call $setStatus (i32.const ${status})) (i32.const 0)`),
    )
    assert.is(outcome.failure?.code, 'GUEST_TRAPPED')
    assert.is(outcome.changes, null)
  }
})

test('fields that belong to the host are passed over, a bad name or value is a trap', () => {
  const data = `${ALLOCATOR}
    ${string(0, 'Content-Length')} ${string(32, '7')} ${string(64, 'x y')} ${string(96, 'a\r\nb: c')}
    ${string(128, 'x-ok')}`
  const set = (name: number, value: number): string =>
    `(call $set (i32.const ${name}) (i32.const ${value})) (call $delete (i32.const 0)) (i32.const 0)`
  const owned = execute(module(RESPONSE, set(0, 32), data))
  assert.is(owned.kind, 'next')
  assert.equal(kindsOf(owned), [Change.response])
  assert.match(
    execute(module(RESPONSE, set(64, 32), data)).failure?.message ?? '',
    /no header name/,
  )
  assert.match(execute(module(RESPONSE, set(128, 96), data)).failure?.message ?? '', /not valid/)
})

test('with a response there, both messages can be changed', () => {
  const responseHeaders = new Headers(['x-a', '1'])
  const item = { status: 200, responseHeaders, responseBody: new Uint8Array(3) }
  const run = `
    (call $setStatus (i32.const 500)) (call $delete (i32.const 0))
    (i32.load (call $body))`
  const outcome = execute(module(RESPONSE, run, ALLOCATOR + string(0, 'Do')), { item })
  assert.is(outcome.result, 3)
  assert.equal(kindsOf(outcome), [Change.status, Change.requestHeaderRemove])
})

test('shared data is refused past its limits with a reason', () => {
  const put = '(import "easegress" "host_cluster_put_binary" (func $put (param i32 i32)))'
  const run = '(call $put (i32.const 0) (i32.const 400)) (i32.const 0)'
  const outcome = execute(module(put, run, ALLOCATOR + string(0, 'k'.repeat(257))))
  assert.match(outcome.failure?.message ?? '', /a value of 258 bytes, at most 257/)
  const large = `${ALLOCATOR}${string(0, 'k')}(data (i32.const 400) "\\00\\00\\80\\00")`
  assert.match(
    execute(module(put, run, large)).failure?.message ?? '',
    /8388608 bytes, at most 49152/,
  )
  const store = new DataStore()
  const fits = `${ALLOCATOR}${string(0, 'k')}(data (i32.const 400) "\\00\\00\\00\\00")`
  assert.is(execute(module(put, run, fits), { store }).kind, 'next')
  const count =
    '(import "easegress" "host_cluster_count_key" (func $count (param i32) (result i32)))'
  const outcomeOf = execute(
    module(count, '(call $count (i32.const 0))', ALLOCATOR + string(0, 'k')),
    {
      store,
    },
  )
  assert.is(outcomeOf.result, 1)
})

test('fuel ends a loop of host calls, and lines past the limit are left out', () => {
  const log = '(import "easegress" "host_log" (func $log (param i32 i32)))'
  const logs: string[] = []
  const run = '(loop $l (call $log (i32.const 2) (i32.const 0)) (br $l)) (i32.const 0)'
  const outcome = execute(module(log, run, ALLOCATOR + string(0, 'again')), { logs })
  assert.is(outcome.failure?.code, 'GUEST_FUEL')
  assert.is(logs.length, 100)
  assert.is(logs[0], '2 again')
})

const WASI = `
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`

test('WASI gives clocks, random bytes and a log, and nothing else', () => {
  const logs: string[] = []
  // Two vectors: "hel" and "lo\nrest".
  const data = `${ALLOCATOR}(data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00\\13\\00\\00\\00\\07\\00\\00\\00hello\\0arest")`
  const run = `
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 64))
      (then (return (i32.const 1))))
    (if (i32.ne (i32.load (i32.const 64)) (i32.const 10)) (then (return (i32.const 2))))
    (if (i32.or (call $env (i32.const 72) (i32.const 76)) (i32.load (i32.const 72)))
      (then (return (i32.const 3))))
    (if (call $clock (i32.const 0) (i64.const 1) (i32.const 80)) (then (return (i32.const 4))))
    (if (i64.lt_s (i64.load (i32.const 80)) (i64.const 1700000000000000000))
      (then (return (i32.const 5))))
    (if (call $random (i32.const 96) (i32.const 32)) (then (return (i32.const 6))))
    (if (i64.eqz (i64.or (i64.load (i32.const 96)) (i64.load (i32.const 104))))
      (then (return (i32.const 7))))
    (if (i32.ne (i32.const 52) (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)))
      (then (return (i32.const 8))))
    (if (i32.ne (i32.const 8) (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (then (return (i32.const 9))))
    (i32.const 0)`
  assert.is(execute(module(WASI, run, data), { logs }).kind, 'next')
  assert.equal(logs, ['1 hello'])
})

test('a program may end its start with success, and never a request', () => {
  const start = (code: number): string =>
    `${ALLOCATOR}(func (export "_start") (call $exit (i32.const ${code})))`
  assert.is(execute(module(WASI, '(i32.const 0)', start(0))).kind, 'next')
  assert.is(execute(module(WASI, '(i32.const 0)', start(3))).failure?.code, 'GUEST_START')
  const outcome = execute(module(WASI, '(call $exit (i32.const 0)) (i32.const 0)'))
  assert.is(outcome.failure?.code, 'GUEST_TRAPPED')
  assert.match(outcome.failure?.message ?? '', /ended itself with code 0/)
})
