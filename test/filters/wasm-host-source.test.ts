import { wasmHost } from '../../host/filters/wasm-host.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/wasm-host-source')

/** What is wrong with a WasmHost of these fields: `field: message`. */
function problems(fields: Readonly<Record<string, string>>): string[] {
  const { error } = wasmHost.spec.safeParse(fields)
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const SHA256 = 'ab'.repeat(32)

test('a module is named by code or by plugin, by exactly one of them', () => {
  for (const fields of [{ code: 'a.wasm' }, { plugin: 'limit' }, { plugin: 'limit@1.0.0' }]) {
    assert.equal(problems(fields), [])
  }
  assert.match(problems({}).join(), '`code` is missing')
  assert.match(problems({ code: 'a.wasm', plugin: 'limit' }).join(), 'leave one of them out')
  assert.is(problems({ plugin: 'Limit!' }).length, 1)
  assert.match(problems({ plugin: 'limit', sha256: SHA256 }).join(), 'never changes')
})

test('a URL is https and says what it leads to; http is for this machine', () => {
  for (const host of ['127.0.0.1:8080', 'localhost', '[::1]:1']) {
    assert.equal(problems({ code: `http://${host}/a.wasm`, sha256: SHA256 }), [])
  }
  assert.equal(problems({ code: 'https://example.com/a.wasm', sha256: SHA256 }), [])
  assert.match(problems({ code: 'https://example.com/a.wasm' }).join(), '`sha256` is missing')
  for (const host of [
    'example.com',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '10.0.0.1',
  ]) {
    assert.match(problems({ code: `http://${host}/a.wasm`, sha256: SHA256 }).join(), 'https')
  }
})

test('a digest is 64 hexadecimal digits', () => {
  assert.equal(problems({ code: 'a.wasm', sha256: SHA256.toUpperCase() }), [])
  for (const wrong of ['', 'ab', `${SHA256}0`, `sha256:${SHA256}`, 'xy'.repeat(32)]) {
    assert.is(problems({ code: 'a.wasm', sha256: wrong }).length, 1, wrong)
  }
})
