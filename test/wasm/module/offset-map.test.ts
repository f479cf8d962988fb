import { OffsetMap } from '../../../host/wasm/module/offset-map.ts'
import { openGuest } from '../../support/gated-guest.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/module/offset-map')

// Code 10-19 moved to 30-39, then 5 bytes written in, code 20-29 at 45-54.
const map = new OffsetMap(Uint32Array.of(30, 45), Uint32Array.of(10, 20))

test('leads from the rewritten code to the code as it was', () => {
  assert.is(map.toOriginal(30), 10)
  assert.is(map.toOriginal(39), 19)
  assert.is(map.toOriginal(45), 20)
  assert.is(map.toOriginal(54), 29)
})

test('what was written in belongs to the place behind it', () => {
  for (let offset = 40; offset < 45; offset += 1) assert.is(map.toOriginal(offset), 20)
})

test('leads back, and knows nothing in front of the code', () => {
  assert.is(map.toRewritten(15), 35)
  assert.is(map.toRewritten(20), 45)
  assert.is(map.toOriginal(29), null)
  assert.is(map.toRewritten(9), null)
  assert.is(new OffsetMap(new Uint32Array(0), new Uint32Array(0)).toOriginal(5), null)
})

test('survives its encoding, and refuses bytes that are none', () => {
  const bytes = map.encode()
  assert.equal([...bytes], [2, 30, 10, 15, 10])
  const copy = OffsetMap.decode(bytes)
  assert.is(copy.size, 2)
  assert.is(copy.toOriginal(39), 19)
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => OffsetMap.decode(bytes.subarray(0, length)), /offset map/)
  }
  assert.throws(() => OffsetMap.decode(Uint8Array.of(0, 1)), /bytes are left over/)
})

test('a trap is led to the instruction of the module as it arrived', () => {
  const text = `(module (func $inner (param i32) (result i32)
      (if (local.get 0) (then (loop $l (br_if $l (i32.const 0)))))
      (i32.div_u (i32.const 1) (i32.const 0)))
    (func (export "f") (param i32) (result i32) (i32.const 5) drop (call $inner (local.get 0))))`
  const guest = openGuest(text)
  const { error } = guest.run(1_000_000, 'f', 1)
  const offsets = [...(error?.stack ?? '').matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)].map(
    ([, offset]) => guest.gated.offsetMap.toOriginal(Number.parseInt(offset ?? '', 16)),
  )
  let expected: number[] = []
  try {
    const module = new WebAssembly.Module(Uint8Array.from(guest.original))
    const { exports } = new WebAssembly.Instance(module)
    ;(exports['f'] as (value: number) => number)(1)
  } catch (thrown) {
    const stack = (thrown as Error).stack ?? ''
    expected = [...stack.matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)].map(([, offset]) =>
      Number.parseInt(offset ?? '', 16),
    )
  }
  assert.is(expected.length, 2)
  assert.equal(offsets, expected)
})
