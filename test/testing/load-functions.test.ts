import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, isGatewayError } from '../../host/errors.ts'
import { loadFunctions } from '../../host/testing.ts'
import { compileFunctions } from '../../host/toolchain/compile-functions.ts'
import { Cleanup } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('testing/load-functions', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const SOURCE = `import { log, Text } from '@penstock/sdk'
export function join(parts: string[], glue: string): string { return parts.join(glue) }
export function split(text: string): Array<string> { return text.split(',') }
export function sum(numbers: i32[]): i64 {
  let sum: i64 = 0
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]
  return sum
}
export function big(a: u64, b: u32): u64 { return a + b }
export function top(): u32 { return 0xffffffff }
export function not(value: bool): bool { return !value }
export function half(value: f64): f64 { return value / 2 }
export function tail(bytes: Uint8Array): Uint8Array { return bytes.subarray(1) }
export function orNull(text: string | null): string | null { return text === null ? 'none' : null }
export function trimmed(text: Text): Text { return text.trim() }
export function longest(texts: Text[]): Text | null {
  let found: Text | null = null
  for (let i = 0; i < texts.length; i++) {
    if (found === null || texts[i].length > found.length) found = texts[i]
  }
  return found
}
export function say(): void { log.info('hello') }
export function boom(reason: string): void { throw new Error(reason) }
export function map(names: Map<string, string>): void {}
export function same<T>(value: T): T { return value }
function hidden(): void {}
`

interface Helpers {
  join(parts: string[], glue: string): string
  split(text: string): string[]
  sum(numbers: number[]): bigint
  big(a: bigint, b: number): bigint
  top(): number
  not(value: boolean): boolean
  half(value: number): number
  tail(bytes: Uint8Array): Uint8Array
  orNull(text: string | null): string | null
  trimmed(text: string): string
  longest(texts: string[]): string | null
  say(): void
  boom(reason: string): void
  map(names: unknown): void
  same(value: unknown): void
}

let helpers: Helpers
test.before(async () => {
  const file = join(await temporaryFolder(cleanup), 'helpers.ts')
  await writeFile(file, SOURCE)
  helpers = await loadFunctions<Helpers>(file)
})

test('strings, texts and arrays cross in both directions', () => {
  assert.is(helpers.join(['a', 'ü', '日本'], '-'), 'a-ü-日本')
  assert.equal(helpers.split('a,b,,c'), ['a', 'b', '', 'c'])
  assert.is(helpers.orNull(null), 'none')
  assert.is(helpers.orNull('x'), null)
  assert.is(helpers.trimmed('  größer '), 'größer')
  assert.is(helpers.longest(['a', 'bcd', 'ef']), 'bcd')
  assert.is(helpers.longest([]), null)
  assert.equal([...helpers.tail(Uint8Array.of(1, 2, 255))], [2, 255])
})

test('numbers keep their width and sign', () => {
  assert.is(helpers.sum([1, -2, 2147483647]), 2147483646n)
  assert.is(helpers.big(2n ** 64n - 2n, 1), 2n ** 64n - 1n)
  assert.is(helpers.top(), 4294967295)
  assert.is(helpers.not(true), false)
  assert.is(helpers.half(1), 0.5)
})

test('many calls leave nothing behind that could move', () => {
  for (let i = 0; i < 20_000; i++) {
    const parts = [`a${i}`, `b${i}`, 'c'.repeat(i % 50)]
    assert.is(helpers.join(parts, ','), parts.join(','))
  }
})

test('what a function throws is thrown, with its place, and the next call works', () => {
  assert.throws(() => helpers.boom('too bad'), /too bad at helpers\.ts:\d+:\d+/)
  assert.is(helpers.half(4), 2)
  helpers.say()
})

const codeOf = (call: () => unknown): ErrorCode | null => {
  try {
    call()
    return null
  } catch (error) {
    return isGatewayError(error) ? error.code : null
  }
}

test('what cannot cross says so when it is called', () => {
  assert.is(
    codeOf(() => helpers.map(new Map())),
    'TESTING_SIGNATURE',
  )
  assert.is(
    codeOf(() => helpers.same(1)),
    'TESTING_SIGNATURE',
  )
  assert.is(
    codeOf(() => helpers.join(['a'], 5 as unknown as string)),
    'TESTING_SIGNATURE',
  )
  assert.is(
    codeOf(() => helpers.join(['a'] as never as string[], ...([] as unknown as [string]))),
    'TESTING_SIGNATURE',
  )
  assert.not.ok('hidden' in helpers)
})

test('a compiled module is called by the signatures it is given', async () => {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'lib.ts'), SOURCE)
  const { wasm } = await compileFunctions(join(dir, 'lib.ts'))
  await writeFile(join(dir, 'lib.wasm'), wasm)
  const lib = await loadFunctions<Pick<Helpers, 'join' | 'orNull'>>(join(dir, 'lib.wasm'), {
    join: '(parts: string[], glue: string) => string',
    orNull: '(text: string | null) => string | null',
  })
  assert.is(lib.join(['a', 'b'], '+'), 'a+b')
  assert.is(lib.orNull(null), 'none')
})

test('a file with errors is refused with their places', async () => {
  const file = join(await temporaryFolder(cleanup), 'wrong.ts')
  await writeFile(file, 'export function f(): i32 {\n  return x\n}\n')
  try {
    await loadFunctions(file)
    assert.unreachable()
  } catch (error) {
    assert.ok(isGatewayError(error, 'TOOLCHAIN_BUILD'))
    assert.match(error.message, /wrong\.ts:2:10: error: Cannot find name 'x'/)
  }
})
