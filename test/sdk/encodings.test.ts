import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { type Library, loadLibrary } from '../support/sdk-library.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/encodings', { timeoutMs: 120_000 })

let library: Library
test.before(async () => {
  library = await loadLibrary()
})

const bytes = fc.uint8Array({ maxLength: 300 })
const list = (found: Uint8Array | null): number[] | null => (found === null ? null : [...found])

test('base64 is that of Node, in both alphabets and both directions', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const buffer = Buffer.from(data)
      assert.is(library.base64Encode(data), buffer.toString('base64'))
      assert.is(library.base64EncodeUrl(data), buffer.toString('base64url'))
      for (const text of [buffer.toString('base64'), buffer.toString('base64url')]) {
        assert.equal(list(library.base64Decode(text)), [...data])
        assert.equal(list(library.base64DecodeText(text.replaceAll('=', ''))), [...data])
      }
    }),
  )
  assert.is(
    library.base64OfString('größer ≥ 日本'),
    Buffer.from('größer ≥ 日本').toString('base64'),
  )
})

test('what is not base64 is refused', () => {
  const wrong = ['A', 'AA=', 'AAA==', '====', 'AA A', 'AAAA=', 'A===', 'AB\n=', 'AAAü', 'AB', 'AAB']
  for (const text of wrong) assert.is(library.base64Decode(text), null, text)
  assert.equal(list(library.base64Decode('')), [])
})

test('hex goes both ways, in either case', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const text = Buffer.from(data).toString('hex')
      assert.is(library.hexEncode(data), text)
      assert.equal(list(library.hexDecode(text)), [...data])
      assert.equal(list(library.hexDecode(text.toUpperCase())), [...data])
    }),
  )
  for (const text of ['0', 'g0', '0g', '0 ', 'ü0']) assert.is(library.hexDecode(text), null, text)
})

test('SHA-256 and HMAC are those of Node, whatever the lengths', () => {
  const sha256 = (data: Uint8Array | string): string =>
    createHash('sha256').update(data).digest('hex')
  const hmac = (key: Uint8Array | string, data: Uint8Array | string): string =>
    createHmac('sha256', key).update(data).digest('hex')
  for (let length = 0; length < 200; length++) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 255)
    assert.is(library.sha256(data), sha256(data), `${length}`)
    assert.is(
      library.hmac(data, data.subarray(length >> 1)),
      hmac(data, data.subarray(length >> 1)),
    )
  }
  fc.assert(
    fc.property(bytes, bytes, (key, data) => {
      assert.is(library.hmac(key, data), hmac(key, data))
    }),
  )
  assert.is(library.sha256OfString('größer ≥ 日本'), sha256('größer ≥ 日本'))
  assert.is(library.hmacOfStrings('schlüssel', 'größer'), hmac('schlüssel', 'größer'))
  const large = new Uint8Array(1_000_000).fill(97)
  assert.is(library.sha256(large), sha256(large))
})

test('a comparison of secrets is right', () => {
  assert.ok(library.isSame('abc', 'abc'))
  for (const other of ['', 'ab', 'abd', 'abcd', 'Abc']) assert.not.ok(library.isSame('abc', other))
})
