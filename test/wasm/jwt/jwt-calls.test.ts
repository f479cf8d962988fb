import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { InlineExecutor } from '../../../host/wasm/inline-executor.ts'
import { HOST_SEAMS } from '../../../host/wasm/instance.ts'
import { keyGrants, keyValues } from '../../../host/wasm/jwt/filter-keys.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { tokenSigner } from '../../support/tokens.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/jwt/jwt-calls')

const NOW = Date.UTC(2026, 10, 22, 12)
const signer = tokenSigner('ES256')
const keys = { login: signer.spec, other: tokenSigner('HS256').spec }
const grant = { ...LOCAL_GRANT, keys: keyGrants({ login: signer.spec }) }
const secrets = new Map(keyValues({ ...LOCAL_GRANT, keys: keyGrants(keys) }, keys))

let denied: string[] = []

/** What the guest returns, which is what `body` leaves; its negative for an error of the host. */
function run(body: string, token: string, more: Partial<PluginSetup> = {}): string {
  const { bytes } = gateModule(
    wat(`(module
      (import "penstock_v1" "features" (func $features (result i32)))
      (import "penstock_v1" "jwt_key" (func $key (param i32 i32) (result i32)))
      (import "penstock_v1" "jwt_verify" (func $verify (param i32 i32 i32 i32 i32) (result i32)))
      (import "penstock_v1" "secret_get" (func $secret (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "loginotherkey:login")
      (data (i32.const 64) "${token}")
      (func (export "penstock_on_request") (result i32) (local $i i32) ${body}))`),
  )
  denied = []
  const setup: PluginSetup = {
    id: 1,
    name: 'guest',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(Uint8Array.from(bytes)),
    parameters: new Map(),
    fuel: 10_000_000,
    data: null,
    reset: 'never',
    grant,
    secrets,
    ...more,
  }
  const services = {
    calls: { call: () => Promise.reject(new Error('nobody calls')) },
    denied: (_: number, list: readonly (readonly [string, number])[]) =>
      void denied.push(...list.map(([what, count]) => `${what} ${count}`)),
  }
  const seams = { ...HOST_SEAMS, wallMs: () => NOW }
  const executor = new InlineExecutor(setup, () => undefined, undefined, seams, services)
  const outcome = executor.submit(itemThat('x'))
  return outcome.failure?.message ?? String(outcome.result)
}

const verify = (length: number, leeway = 60, name = [0, 5]): string =>
  `(call $verify ${[...name, 64, length, leeway].map((one) => `(i32.const ${one})`).join(' ')})`
const negated = (code: string): string => `(i32.sub (i32.const 0) ${code})`

test('a granted key verifies, by the clock of the host, and is never handed out', () => {
  const good = signer.token({ sub: 'ada', exp: NOW / 1000 + 1 })
  assert.is(run(verify(good.length), good), '0')
  const late = signer.token({ sub: 'ada', exp: NOW / 1000 - 60 })
  assert.is(run(verify(late.length), late), '4')
  assert.is(run(verify(late.length, 61), late), '0')
  assert.is(run(verify(good.length - 1), good), '1')
  assert.is(run('(call $key (i32.const 0) (i32.const 5))', ''), '0')
  // Whatever name a guest tries, its secrets are those of its grant.
  for (const [at, length] of [
    [0, 5],
    [10, 9],
    [10, 3],
  ]) {
    const read = `(call $secret (i32.const ${at}) (i32.const ${length}) (i32.const 4096) (i32.const 4096))`
    assert.is(run(negated(read), ''), '3')
    assert.equal(denied, ['secrets 1'])
  }
})

test('a key that is not granted is denied, counted, and not there when asked for', () => {
  const token = tokenSigner('HS256').token({})
  assert.is(run(negated(verify(token.length, 60, [5, 5])), token), '3')
  assert.equal(denied, ['keys 1'])
  assert.is(run(negated('(call $key (i32.const 5) (i32.const 5))'), ''), '1')
  assert.equal(denied, [], 'asking is not trying')
  assert.is(run(negated(verify(token.length)), token, { grant: LOCAL_GRANT }), '3')
})

test('features say whether there is a key', () => {
  assert.is(run('(i32.and (call $features) (i32.const 32))', ''), '32')
  assert.is(run('(i32.and (call $features) (i32.const 32))', '', { grant: LOCAL_GRANT }), '0')
})

test('a token past 16 KiB, a name past 256 bytes and leeway out of bounds are refused', () => {
  assert.is(run(verify(16_384), ''), '1', 'it is read, and is none')
  assert.is(run(negated(verify(16_385)), ''), '4')
  assert.is(run(negated(verify(-1)), ''), '4')
  assert.is(run(negated(verify(1, 60, [0, 257])), ''), '4')
  assert.is(run(negated('(call $key (i32.const 0) (i32.const 257))'), ''), '4')
  assert.is(run(negated(verify(1, -1)), ''), '2')
  assert.is(run(negated(verify(1, 86_401)), ''), '2')
  assert.is(run(verify(1, 86_400), ''), '1')
  const outside =
    '(call $verify (i32.const 0) (i32.const 5) (i32.const 65530) (i32.const 100) (i32.const 0))'
  assert.match(run(outside, ''), /outside the memory/)
})

test('verifying takes fuel: a guest cannot keep the event loop busy with it', () => {
  const token = signer.token({})
  const loop = `(loop $l (drop ${verify(token.length)}) (br $l)) (i32.const 0)`
  assert.match(run(loop, token, { fuel: 1_000_000 }), /out of fuel/)
  assert.is(run(verify(token.length), token, { fuel: 200_000 }), '0')
  assert.match(run(verify(token.length), token, { fuel: 100_000 }), /out of fuel/)
})
