import { parsePluginId, referenceOf, referenceText } from '../../host/wasm/plugin-reference.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/plugin-reference')

test('a stored plugin is a name, with a version or without', () => {
  assert.equal(parsePluginId('limit'), { name: 'limit', version: null })
  assert.equal(parsePluginId('limit@1.0.0-rc.1'), { name: 'limit', version: '1.0.0-rc.1' })
  for (const wrong of [
    '',
    '@1',
    'limit@',
    'Limit',
    'a/b',
    'a@b@c',
    'limit@-1',
    `a${'b'.repeat(64)}`,
  ]) {
    assert.is(parsePluginId(wrong), undefined, wrong)
  }
})

test('what stands in for a module ends when any part of the reference is another', () => {
  const texts = [
    { code: 'a.wasm' },
    { code: 'b.wasm' },
    { plugin: 'a.wasm' },
    { plugin: 'limit' },
    { plugin: 'limit@1' },
    { code: 'https://x/a.wasm', sha256: 'a'.repeat(64) },
    { code: 'https://x/a.wasm', sha256: 'b'.repeat(64) },
  ].map((fields) => referenceText(referenceOf(fields)))
  assert.is(new Set(texts).size, texts.length)
  assert.is(texts[0], 'a.wasm', 'as it was kept before there were other kinds')
})

test('the case of a digest does not matter', () => {
  const upper = referenceOf({ code: 'x', sha256: 'AB'.repeat(32) })
  assert.equal(upper, referenceOf({ code: 'x', sha256: 'ab'.repeat(32) }))
})
