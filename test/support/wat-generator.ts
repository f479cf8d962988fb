import type { Prng } from './prng.ts'

/** Host calls the generated guests make, with their parameters; each has an i32 result. */
const HOST_CALLS: readonly (readonly [name: string, parameters: number])[] = [
  ['field_get', 3],
  ['field_set', 3],
  ['status_set', 1],
  ['header_id', 2],
  ['header_get', 4],
  ['header_set', 4],
  ['header_add', 4],
  ['header_names', 3],
  ['body_get', 4],
  ['body_set', 3],
  ['reply', 3],
  ['ctx_put', 4],
  ['ctx_get', 4],
  ['tag', 2],
  ['kv_get', 4],
  ['kv_delete', 2],
  ['kv_count', 2],
]
const BINARY = ['add', 'sub', 'mul', 'add', 'sub', 'rem_u', 'and', 'or', 'xor', 'shl', 'rotl']
const COMPARE = ['eq', 'lt_u', 'gt_s', 'le_u', 'ne']
const NUMBERS = [
  0, 1, 2, 7, 8, 64, 255, 1_024, 65_535, 65_536, 131_072, 0x7fff_ffff, -1, -8, -65_536,
]
const LOCALS = 4
const MAX_DEPTH = 5

/**
 * The text of a random guest: valid WebAssembly of our ABI whose code does as it likes. It loops, calls itself and the
 * host, touches memory anywhere, grows what can grow and traps.
 */
export function randomGuest(prng: Prng): string {
  const names = HOST_CALLS.map(
    ([name, parameters]) =>
      `(import "penstock_v1" "${name}" (func $${name} (param ${'i32 '.repeat(parameters)}) (result i32)))`,
  )
  const writer = new BodyWriter(prng)
  const functions = Array.from(
    { length: 3 },
    (_, i) => `(func $f${i} (param i32 i32) (result i32) (local i32 i32)\n${writer.body()})`,
  )
  const start =
    prng.below(4) === 0 ? '(func $s (drop (call $f0 (i32.const 1) (i32.const 2)))) (start $s)' : ''
  return `(module ${names.join('\n')}
    (memory (export "memory") ${1 + prng.below(3)}${prng.below(2) === 0 ? '' : ' 300'})
    (table $t ${prng.below(20)} funcref) (elem declare func $f0)
    (data (i32.const 1024) "x-a: content-length /a?b=c HTTP")
    ${functions.join('\n')}
    ${start}
    (func (export "penstock_on_request") (result i32) (local i32 i32 i32 i32)\n${writer.body()})
    (func (export "penstock_on_response") (result i32) (local i32 i32 i32 i32)\n${writer.body()}))`
}

/** Writes code that leaves one i32. */
class BodyWriter {
  readonly #prng: Prng
  #labels = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  body(): string {
    const count = 1 + this.#prng.below(5)
    const statements = Array.from({ length: count }, () => this.#statement(0))
    return `${statements.join('\n')}\n${this.#value(0)}`
  }

  #statement(depth: number): string {
    const value = (): string => this.#value(depth + 1)
    const deeper = (): string => (depth >= MAX_DEPTH ? '(nop)' : this.#statement(depth + 1))
    switch (this.#prng.below(12)) {
      case 0:
        return `(i32.store ${this.#near(depth)} ${value()})`
      case 1:
        return `(i64.store offset=${this.#prng.below(70_000)} ${value()} (i64.const -1))`
      case 2:
        return `(memory.fill ${this.#near(depth)} ${value()} ${this.#near(depth)})`
      case 3:
        return `(memory.copy ${this.#near(depth)} ${this.#near(depth)} ${this.#near(depth)})`
      case 4: {
        this.#labels += 1
        const label = `$l${this.#labels}`
        return `(loop ${label} ${deeper()} ${deeper()} (br_if ${label} ${value()}))`
      }
      case 5:
        return `(if ${value()} (then ${deeper()}) (else ${deeper()}))`
      case 6:
        return `(drop (table.grow $t (ref.func $f0) ${value()}))`
      case 7:
        return this.#prng.below(8) === 0 ? `(table.set $t ${value()} (ref.func $f0))` : '(nop)'
      case 8:
        return this.#prng.below(10) === 0 ? '(unreachable)' : `(drop (memory.grow ${value()}))`
      case 9:
        return `(block ${deeper()} (br_if 0 ${value()}) ${deeper()})`
      default:
        return this.#prng.below(2) === 0
          ? `(local.set ${this.#prng.below(LOCALS)} ${value()})`
          : `(drop ${value()})`
    }
  }

  #value(depth: number): string {
    const prng = this.#prng
    const local = `(local.get ${prng.below(LOCALS)})`
    if (depth >= MAX_DEPTH) return prng.below(2) === 0 ? this.#constant() : local
    const value = (): string => this.#value(depth + 1)
    switch (prng.below(11)) {
      case 0:
      case 1:
        return this.#constant()
      case 2:
        return local
      case 3:
        return `(i32.${BINARY[prng.below(BINARY.length)]} ${value()} ${value()})`
      case 4:
        return `(i32.${COMPARE[prng.below(COMPARE.length)]} ${value()} ${value()})`
      case 5:
        return `(i32.load ${this.#near(depth)})`
      case 6:
        return `(select ${value()} ${value()} ${value()})`
      case 7:
        return `(call $f${prng.below(3)} ${value()} ${value()})`
      case 8:
        return `(local.tee ${prng.below(LOCALS)} ${value()})`
      default: {
        const [name, parameters] = HOST_CALLS[prng.below(HOST_CALLS.length)] as [string, number]
        return `(call $${name} ${Array.from({ length: parameters }, () => this.#near(depth)).join(' ')})`
      }
    }
  }

  /** Mostly a small number: with wilder ones almost every call would end at its first pointer. */
  #near(depth: number): string {
    const value = this.#value(depth + 1)
    return this.#prng.below(30) === 0 ? value : `(i32.and ${value} (i32.const 0x7ff))`
  }

  #constant(): string {
    const prng = this.#prng
    const number =
      prng.below(3) === 0 ? prng.next() | 0 : (NUMBERS[prng.below(NUMBERS.length)] as number)
    return `(i32.const ${prng.below(4) === 0 ? prng.below(2_000) : number})`
  }
}
