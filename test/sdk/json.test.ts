import fc from 'fast-check'
import { type Library, loadLibrary } from '../support/sdk-library.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/json', { timeoutMs: 120_000 })

let library: Library
test.before(async () => {
  library = await loadLibrary()
})

test('any JSON value comes back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      assert.is(library.roundTrip(text), text)
      assert.equal(JSON.parse(library.roundTrip(JSON.stringify(value, null, 2))), value)
      const data = library.roundTripBytes(Buffer.from(text))
      assert.is(data === null ? null : Buffer.from(data).toString(), text)
    }),
    { numRuns: 300 },
  )
})

test('strings survive every escape, pairs and lone halves', () => {
  const texts = [
    '"\\\\\\"\\/\\b\\f\\n\\r\\t"',
    '"\\u00fc\\u65e5\\ud83d\\ude00\\u0000"',
    '"😀ü日\u007f"',
  ]
  for (const text of texts) {
    assert.is(library.roundTrip(text), JSON.stringify(JSON.parse(text)), text)
  }
  assert.is(JSON.parse(library.roundTrip('"\\ud800x\\udc00"')), '\ud800x\udc00')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.is(library.roundTrip(JSON.stringify(text)), JSON.stringify(text))
    }),
  )
})

test('numbers keep their digits', () => {
  const digits = ['0', '-0', '1.0', '1e3', '-1.5E-7', '12345678901234567890', '0.10', '1E+2']
  for (const text of digits) assert.is(library.roundTrip(text), text)
})

test('what JSON.parse refuses is refused, with the place', () => {
  const wrong = [
    '',
    ' ',
    '{',
    '}',
    '[',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a" 1}',
    '{"a":}',
    '[1 2]',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '0x1',
    'nul',
    'True',
    'NaN',
    '"',
    '"a',
    '"\\x"',
    '"\\u12g4"',
    '"\\u123"',
    '"\n"',
    '1 1',
    '[1]]',
    '// x\n1',
    '"\\',
    '\ufeff1',
  ]
  for (const text of wrong) {
    assert.throws(() => JSON.parse(text), undefined, text)
    assert.match(library.roundTrip(text), /^! .+ at byte \d+$/, text)
  }
  assert.is(library.roundTrip('{"a":1,]'), '! a name is missing at byte 7')
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}",:0123.e-tru\\ ') }), (text) => {
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      assert.is(!library.roundTrip(text).startsWith('! '), isJson, text)
    }),
    { numRuns: 2_000 },
  )
})

test('a hundred levels are read, one more is not, and a million do not hurt', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  assert.is(library.roundTrip(nested(100)), nested(100))
  assert.match(library.roundTrip(nested(101)), 'nested too deep')
  assert.match(library.roundTrip('['.repeat(1_000_000)), 'nested too deep')
  assert.match(library.roundTrip('{"a":'.repeat(1_000_000)), 'nested too deep')
})

test('a string that is not UTF-8 is refused, any other is read', () => {
  const quoted = (...codes: number[]): Uint8Array => Uint8Array.of(0x22, ...codes, 0x22)
  assert.is(library.roundTripBytes(quoted(0x61, 0xff)), null)
  assert.is(library.roundTripBytes(quoted(0xed, 0xa0, 0x80)), null)
  assert.is(library.roundTripBytes(quoted(0xc3)), null)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0x5d, max: 0xff }), { maxLength: 6 }), (codes) => {
      let isUtf8 = true
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(codes))
      } catch {
        isUtf8 = false
      }
      assert.is(library.roundTripBytes(quoted(...codes)) !== null, isUtf8, codes.join())
    }),
    { numRuns: 3_000 },
  )
})

test('every question has an answer, whatever the value is', () => {
  const kinds = (text: string): string => library.questions(text)
  const flags = (at: number): string =>
    Array.from({ length: 7 }, (_, index) => `${index === at}`).join(' ')
  assert.is(kinds('{}'), `${flags(0)}|0|none|-1|-1.5|false|false`)
  assert.is(kinds('[1]'), `${flags(0)}|0|none|-1|-1.5|false|false`)
  assert.is(kinds('{"x":null}'), `${flags(1)}|0|none|-1|-1.5|false|true`)
  assert.is(kinds('{"x":{"a":1}}'), `${flags(2)}|1|none|-1|-1.5|false|true`)
  assert.is(kinds('{"x":[1,2]}'), `${flags(3)}|2|none|-1|-1.5|false|true`)
  assert.is(kinds('{"x":"t"}'), `${flags(4)}|0|t|-1|-1.5|false|true`)
  assert.is(kinds('{"x":1e3}'), `${flags(5)}|0|none|1000|1000.0|false|true`)
  assert.is(kinds('{"x":1.5}'), `${flags(5)}|0|none|-1|1.5|false|true`)
  assert.is(
    kinds('{"x":-123456789012345678}'),
    `${flags(5)}|0|none|-123456789012345678|-123456789012345680.0|false|true`,
  )
  assert.is(kinds('{"x":1e300}'), `${flags(5)}|0|none|-1|1e+300|false|true`)
  assert.is(kinds('{"x":true}'), `${flags(6)}|0|none|-1|-1.5|true|true`)
  assert.is(kinds('{"x":1,"x":"last"}'), `${flags(4)}|0|last|-1|-1.5|false|true`)
  assert.is(library.deep('{"a":[0,{"b":["found"]}]}'), 'founda')
  assert.is(library.deep('{"z":1}'), 'nonez')
})

test('values are built and changed', () => {
  assert.equal(JSON.parse(library.built()), {
    text: 'a"b',
    whole: 6,
    half: 0.5,
    on: true,
    list: ['one', 'two', null, 'ü'],
    nan: null,
    // biome-ignore lint/correctness/noPrecisionLoss: what JSON.parse makes of it
    big: 18446744073709551615,
    wide: 3,
    none: null,
  })
  assert.is(library.removed('{"a":1,"b":2,"a":3}', 'a'), 'true {"b":2}')
  assert.is(library.removed('{"a":1}', 'b'), 'false {"a":1}')
  assert.is(library.removed('[1]', 'a'), 'false [1]')
})
