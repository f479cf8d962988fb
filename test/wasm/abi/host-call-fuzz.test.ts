import { Exchange } from '../../../host/exchange/exchange.ts'
import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../../../host/exchange/field-rules.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { Response } from '../../../host/exchange/response.ts'
import { EASEGRESS } from '../../../host/wasm/abi/easegress.ts'
import { PENSTOCK_V1 } from '../../../host/wasm/abi/penstock-v1.ts'
import { isPath, isQuery } from '../../../host/wasm/abi/penstock-v1-calls.ts'
import { applyChanges } from '../../../host/wasm/apply-changes.ts'
import type { Phase } from '../../../host/wasm/guest-input.ts'
import { GUEST_BYTES, type HostCalls, openHostCalls } from '../../support/host-calls.ts'
import { createPrng, type Prng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/abi/host-call-fuzz', { timeoutMs: 600_000 })

/** Host calls of each ABI; PENSTOCK_FUZZED_CALLS=2000000 for a long run. */
const CALLS = Number(process.env['PENSTOCK_FUZZED_CALLS'] ?? 60_000)
/** A call of the guest makes so many of them. */
const CALLS_TOGETHER = 40

/** How a host call may end beside returning: the guest's own traps. Anything else is a mistake of the host. */
const TRAPS: ReadonlySet<string> = new Set([
  'GuestPointerError',
  'OutOfFuel',
  'GuestMisuse',
  'GuestAbort',
  'GuestExit',
])

/** Numbers that stand at an edge of something. */
const EDGES: readonly number[] = [
  ...[0, 1, -1, 2, 7, 8, 9, 63, 64, 127, 128, 255, 256, 257, 1_023, 1_024, 4_096, 8_192, 8_193],
  ...[32_768, 32_769, 65_535, 65_536, 65_537, GUEST_BYTES - 8, GUEST_BYTES - 1, GUEST_BYTES],
  ...[GUEST_BYTES + 1, 4_194_304, 4_194_305, 0x7fff_ffff, -0x8000_0000, -2, -8, -65_536],
]
const FLOATS: readonly number[] = [
  ...[0, -0, 1, -1, 0.5, 1e-320, 1e308, -1e308, 60_000, Number.MAX_SAFE_INTEGER],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
]

function integer(prng: Prng): number {
  const kind = prng.below(10)
  if (kind < 4) return EDGES[prng.below(EDGES.length)] as number
  // Ids, field numbers, small lengths, places where text was put.
  if (kind < 7) return prng.below(300)
  if (kind < 9) return 1_024 + prng.below(2_000)
  return prng.next() | 0
}

/** One value for each parameter of a signature as `(i32, i64) -> i32` has them. */
function argumentsFor(signature: string, prng: Prng): (number | bigint)[] {
  const inside = /^\(([^)]*)\)/.exec(signature)?.[1] ?? ''
  return inside
    .split(', ')
    .filter((type) => type !== '')
    .map((type) => {
      if (type === 'i64') return BigInt.asIntN(64, BigInt(integer(prng)) << BigInt(prng.below(33)))
      return type === 'i32' ? integer(prng) : (FLOATS[prng.below(FLOATS.length)] as number)
    })
}

/** Applies what the guest has changed: whole or not at all, and what comes of it can be sent. */
function applied(host: HostCalls): void {
  const { changes, hasResponse } = host.guest
  const exchange = new Exchange(makeRequest({ target: '/a?b', headers: ['x', '1'] }), 'server', 0)
  if (hasResponse) exchange.response = new Response(200)
  const refused = applyChanges(exchange, changes)
  const { request, response } = exchange
  for (const list of [request.headers.list, response?.headers.list ?? []]) {
    for (let i = 0; i < list.length; i += 2) {
      const [name = '', value = ''] = [list[i], list[i + 1]]
      assert.ok(isToken(name) && isFieldValue(value), `${name}: ${value}`)
      assert.not(HOST_OWNED_HEADERS.has(name.toLowerCase()), name)
    }
  }
  assert.ok(
    isPath(request.path) && isQuery(request.query) && isToken(request.method),
    refused ?? '',
  )
  const status = response?.status ?? 200
  assert.ok(status >= 200 && status <= 599, String(status))
}

const TEXTS: readonly string[] = [
  ...['content-length', 'x-a', ':authority', 'cookie', 'HTTP/1.1', 'GET', '/a/../b', '//evil'],
  ...['a\r\nb: c', '\0', '\u00ff\u00fe', '999', '-1', '1e999', '{"a":', '%00', '../../x'],
]

/** Fills the guest's memory with what looks like strings, lengths and pointers, among noise. */
function scribble(host: HostCalls, prng: Prng): void {
  const memory = host.memory()
  for (let at = 1_024; at < 3_072; at += 64) {
    const text = TEXTS[prng.below(TEXTS.length)] as string
    memory.writeUInt32LE(prng.below(8) === 0 ? prng.next() : text.length + 1, at)
    memory.latin1Write(`${text}\0`, at + 4)
    memory.writeInt32LE(integer(prng), at + 40)
  }
}

const ABIS = [
  ['penstock_v1', PENSTOCK_V1.imports],
  ['easegress', EASEGRESS.imports],
] as const

for (const [abi, imports] of ABIS) {
  test(`host calls of ${abi} with any arguments return or trap, and hurt nobody`, async () => {
    const seed = `${testSeed()}/${abi}`
    process.stdout.write(`seed ${testSeed()}, ${CALLS} host calls of ${abi}\n`)
    const prng = createPrng(seed)
    let host = openHostCalls(abi)
    const signatures: [string, string][] = Object.values(imports)
      .flatMap((calls) => Object.entries(calls) as [string, string][])
      .filter(([name]) => host.calls.has(name))
    assert.ok(signatures.length >= Object.keys(Object.values(imports)[0] ?? {}).length - 2)
    const ended = new Map<string, number>()
    const residentBefore = process.memoryUsage.rss()
    let slowestMs = 0
    for (let i = 0; i < CALLS; i++) {
      if (i % CALLS_TOGETHER === 0) {
        if (i > 0) applied(host)
        if (i % (CALLS_TOGETHER * 50) === 0) host = openHostCalls(abi)
        host.begin({
          phase: prng.below(3) as Phase,
          ...(prng.below(2) === 0
            ? {}
            : { status: 200, responseHeaders: new Headers(['server', 'x', 'a', 'b']) }),
          ...(prng.below(2) === 0 ? {} : { requestBody: new Uint8Array(3_000) }),
        })
        scribble(host, prng)
      }
      const [name, signature] = signatures[prng.below(signatures.length)] as [string, string]
      const args = argumentsFor(signature, prng)
      const startedAt = performance.now()
      let how = 'returned'
      try {
        await host.call(name, ...args)
      } catch (error) {
        how = error instanceof Error ? error.name : String(error)
        const what = `${name}(${args.join(', ')}) in call ${i}: ${(error as Error).stack}`
        assert.ok(TRAPS.has(how), what)
      }
      ended.set(how, (ended.get(how) ?? 0) + 1)
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    const grewMb = (process.memoryUsage.rss() - residentBefore) / 1_048_576
    process.stdout.write(`${JSON.stringify(Object.fromEntries(ended))}, ${Math.round(grewMb)} MB\n`)
    assert.ok((ended.get('returned') ?? 0) > CALLS / 20)
    assert.ok(slowestMs < 5_000, `${slowestMs} ms`)
    assert.ok(grewMb < 400, `${grewMb} MB`)
  })
}
