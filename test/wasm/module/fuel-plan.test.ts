import { openGuest } from '../../support/gated-guest.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/module/fuel-plan')

const PLENTY = 1_000_000

/** Instructions of cost 1, so that a block is too large to be charged with another. */
const work = (count: number): string => '(drop (i32.const 0))'.repeat(count)

test('straight code costs its instructions', () => {
  const guest = openGuest(`(module (func (export "f") ${work(200)}))`)
  assert.is(guest.run(PLENTY, 'f').used, 200)
  assert.equal([guest.gated.report.points, guest.gated.report.checks], [1, 1])
})

test('a branch pays for the arm that runs and for what follows, exactly', () => {
  const guest = openGuest(`(module (func (export "f") (param i32)
    (if (local.get 0) (then ${work(100)}) (else ${work(300)})) ${work(50)}))`)
  assert.is(guest.run(PLENTY, 'f', 1).used, 2 - 1 + 100 + 50)
  assert.is(guest.run(PLENTY, 'f', 0).used, 2 - 1 + 300 + 50)
})

test('what a branch jumps over is not paid for', () => {
  const guest = openGuest(`(module (func (export "f") (param i32)
    (block $out (block $in ${work(40)} (br_if $out (local.get 0)) ${work(100)}) ${work(200)}) ${work(60)}))`)
  assert.is(guest.run(PLENTY, 'f', 1).used, 40 + 2 + 60)
  assert.is(guest.run(PLENTY, 'f', 0).used, 40 + 2 + 100 + 200 + 60)
})

test('a loop pays for each turn', () => {
  const guest = openGuest(`(module (func (export "f") (param i32)
    (loop $again ${work(20)}
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`)
  const turn = 1 + 20 + 5
  const once = guest.run(PLENTY, 'f', 1).used
  assert.is(guest.run(PLENTY, 'f', 11).used - once, 10 * turn)
})

test('a return in the middle pays for what ran', () => {
  const guest = openGuest(`(module (func (export "f") (param i32) (result i32)
    ${work(30)} (if (local.get 0) (then (return (i32.const 1)))) ${work(100)} (i32.const 0)))`)
  // The two instructions of the arm are paid with what comes before it.
  const head = 30 + 1 + 2
  assert.is(guest.run(PLENTY, 'f', 1).used, head)
  assert.is(guest.run(PLENTY, 'f', 0).used, head + 100 + 1)
})

test('small blocks are paid before the branch, at most twice the block that pays and 32', () => {
  const arms = `(if (local.get 0) (then ${work(10)}))`.repeat(20)
  const guest = openGuest(`(module (func (export "f") (param i32) ${arms}))`)
  const [none, all] = [guest.run(PLENTY, 'f', 0).used, guest.run(PLENTY, 'f', 1).used]
  assert.is(all, 20 + 200)
  assert.ok(none >= 20 && none <= 2 * 20 + 32, String(none))
})

test('a small function is paid where it is called, and through a table where it runs', () => {
  const guest = openGuest(`(module (type $v (func)) (table funcref (elem $shared))
    (func $leaf ${work(10)}) (func $shared ${work(10)})
    (func (export "direct") (call $leaf)) (func (export "through") (call $shared))
    (func (export "indirect") (call_indirect (type $v) (i32.const 0))))`)
  const entry = 1
  assert.is(guest.run(PLENTY, 'direct').used, entry + 3 + 10)
  assert.is(guest.run(PLENTY, 'through').used, entry + 3 + 10)
  assert.is(guest.run(PLENTY, 'indirect').used, entry + 1 + 6 + 10)
})

test('a host call costs more than a call, and the host can take fuel itself', () => {
  const guest = openGuest(
    '(module (import "env" "read" (func $read)) (func (export "f") (call $read) (call $read)))',
    {
      env: {
        read: () => {
          guest.fuel -= 500n
        },
      },
    },
  )
  assert.is(guest.run(PLENTY, 'f').used, 1 + 2 * (3 + 30) + 2 * 500)
})

test('what the host took is seen by the next check', () => {
  let calls = 0
  const guest = openGuest(
    `(module (import "env" "read" (func $read))
      (func (export "f") (loop $again (call $read) (br $again))))`,
    {
      env: {
        read: () => {
          calls += 1
          guest.fuel -= 10_000n
        },
      },
    },
  )
  assert.is(guest.run(100_000, 'f').isOutOfFuel, true)
  assert.is(calls, 10)
})

const ENDLESS: readonly (readonly [what: string, functions: string])[] = [
  ['an empty loop', '(func (export "f") (loop $l (br $l)))'],
  ['a loop around br_table', '(func (export "f") (loop $l (br_table $l $l (i32.const 0))))'],
  ['a loop in a loop', '(func (export "f") (loop $o (loop $i (br_if $i (i32.const 0))) (br $o)))'],
  [
    'a loop left and entered again',
    '(func (export "f") (loop $o (block $b (loop $i (br $b))) (br $o)))',
  ],
  ['calls in a loop', '(func $g) (func (export "f") (loop $l (call $g) (br $l)))'],
  ['tail calls', '(func $f (export "f") (return_call $g)) (func $g (return_call $f))'],
  [
    'tail calls through a table',
    '(type $v (func)) (table funcref (elem $f)) (func $f (export "f") (return_call_indirect (type $v) (i32.const 0)))',
  ],
  [
    'memory.fill',
    '(func (export "f") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)))',
  ],
  [
    'memory.copy',
    '(func (export "f") (loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 65535)) (br $l)))',
  ],
  [
    'memory.init',
    '(data $d "abcdef") (func (export "f") (loop $l (memory.init $d (i32.const 0) (i32.const 0) (i32.const 6)) (br $l)))',
  ],
  ['memory.grow', '(func (export "f") (loop $l (drop (memory.grow (i32.const 0))) (br $l)))'],
  [
    'table.grow',
    '(table $t 1 externref) (func (export "f") (loop $l (drop (table.grow $t (ref.null extern) (i32.const 0))) (br $l)))',
  ],
  [
    'table.fill',
    '(table $t 9000 externref) (func (export "f") (loop $l (table.fill $t (i32.const 0) (ref.null extern) (i32.const 9000)) (br $l)))',
  ],
  [
    'table.copy',
    '(table $t 9000 externref) (func (export "f") (loop $l (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 8999)) (br $l)))',
  ],
]

for (const [what, functions] of ENDLESS) {
  test(`${what} without end stops in bounded time`, () => {
    const guest = openGuest(`(module (memory 1) ${functions})`)
    const started = performance.now()
    const run = guest.run(20_000_000, 'f')
    assert.is(run.isOutOfFuel, true)
    assert.match(String(run.error), /unreachable/)
    assert.ok(performance.now() - started < 10_000)
  })
}

test('bulk instructions are paid by their length', () => {
  const guest = openGuest(`(module (memory 100) (table $t 1000 externref)
    (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
    (func (export "grow") (param i32) (drop (memory.grow (local.get 0))))
    (func (export "table") (param i32) (table.fill $t (i32.const 0) (ref.null extern) (local.get 0))))`)
  const cost = (name: string, length: number): number =>
    guest.run(1n << 40n, name, length).used - guest.run(1n << 40n, name, 0).used
  assert.is(cost('fill', 6_400_000), 800_000)
  assert.is(cost('table', 1_000), 128_000)
  assert.is(cost('grow', 2), 2 * 8_192)
  // A length that is read as unsigned: 4 GiB, not minus one. The instruction itself traps.
  assert.is(cost('fill', -1), 2 ** 29 - 1)
})

test('too little fuel stops a bulk instruction before it starts', () => {
  const guest = openGuest(`(module (memory (export "memory") 2)
    (func (export "fill") (memory.fill (i32.const 0) (i32.const 7) (i32.const 131072))))`)
  const run = guest.run(1_000, 'fill')
  assert.is(run.isOutOfFuel, true)
  assert.is(new Uint8Array((guest.exports['memory'] as WebAssembly.Memory).buffer)[0], 0)
})

test('an instance that ran out works again with new fuel, where its code allows it', () => {
  const guest = openGuest(`(module (func (export "f") (param i32) (result i32)
    (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 3)))`)
  assert.is(guest.run(100, 'f', 1_000).isOutOfFuel, true)
  assert.is(guest.run(PLENTY, 'f', 1_000).result, 3)
})

test('a trap of another kind is not taken for running out of fuel (W33)', () => {
  const guest =
    openGuest(`(module (func $deep (export "deep") (result i32) (i32.add (call $deep) (i32.const 1)))
    (func (export "divide") (result i32) (i32.div_s (i32.const 1) (i32.const 0))))`)
  const deep = guest.run(1n << 40n, 'deep')
  assert.instance(deep.error, RangeError)
  assert.is(deep.isOutOfFuel, false)
  assert.is(guest.run(PLENTY, 'divide').isOutOfFuel, false)
})

test('without fuel nothing with a loop or a call runs', () => {
  const guest = openGuest('(module (func (export "f") (loop $l (br_if $l (i32.const 0)))))')
  assert.is(guest.run(0, 'f').isOutOfFuel, true)
})
