import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { loadFunctions } from '../../host/testing/load-functions.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/library', { timeoutMs: 120_000 })

interface Library {
  base64Encode(bytes: Uint8Array): string
  base64EncodeUrl(bytes: Uint8Array): string
  base64Decode(text: string): Uint8Array | null
  base64DecodeText(text: string): Uint8Array | null
  base64OfString(text: string): string
  hexEncode(bytes: Uint8Array): string
  hexDecode(text: string): Uint8Array | null
  sha256(bytes: Uint8Array): string
  sha256OfString(text: string): string
  hmac(key: Uint8Array, bytes: Uint8Array): string
  hmacOfStrings(key: string, text: string): string
  isSame(a: string, b: string): boolean
  roundTrip(text: string): string
  roundTripBytes(bytes: Uint8Array): Uint8Array | null
  questions(text: string): string
  deep(text: string): string
  built(): string
  removed(text: string, name: string): string
  matches(pattern: string, text: string): boolean
  matchesText(pattern: string, text: string): boolean
  matchesAcross(pattern: string, text: string): boolean
  httpDate(ms: bigint): string
  isoDate(ms: bigint): string
  parseHttpDate(text: string): bigint
  plainCookie(name: string, value: string): string
  fullCookie(): string
  cookieWith(path: string, site: string): string
}

let library: Library
test.before(async () => {
  library = await loadFunctions<Library>(new URL('./assembly/library.ts', import.meta.url))
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

test('patterns match as they say', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['/a', '/a', true],
    ['/a', '/ab', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'abc', true],
    ['*', 'a/b', false],
    ['**', 'a/b/c', true],
    ['/api/*', '/api/', true],
    ['/api/*/x', '/api/a/x', true],
    ['/api/*/x', '/api/a/b/x', false],
    ['/api/**/x', '/api/a/b/x', true],
    ['/**/*.js', '/a/b/c.min.js', true],
    ['/**/*.js', '/a/b/c.js/d', false],
    ['**.png', 'a/b.png', true],
    ['a*b*c', 'axxbxbxc', true],
    ['a*b*c', 'axxbxbx', false],
    ['?', 'a', true],
    ['?', '/', false],
    ['?', '', false],
    ['/v[0-9]', '/v7', true],
    ['/v[0-9]', '/vx', false],
    ['[!a-c]', 'd', true],
    ['[!a-c]', 'b', false],
    ['[!a]', '/', false],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['**/a/*', 'x/a/y/a/z', true],
    ['**a*b', 'a/ab', true],
  ]
  for (const [pattern, text, want] of cases) {
    assert.is(library.matches(pattern, text), want, `${pattern} ${text}`)
    assert.is(library.matchesText(pattern, text), want, `${pattern} ${text} as Text`)
  }
  assert.ok(library.matchesAcross('a*c', 'a/b/c'))
  assert.throws(() => library.matches('[a', 'a'), /a "\[" has no "\]"/)
  assert.throws(() => library.matches('日', 'a'), /latin1/)
})

test('a pattern answers as a regular expression of the same meaning, and in bounded time', () => {
  const part = fc.constantFrom('*', '**', '?', 'a', 'b', '/', '[ab]', '[!a]')
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '/'), maxLength: 12 })
  const sources: Readonly<Record<string, string>> = {
    '*': '[^/]*',
    '**': '.*',
    '?': '[^/]',
    '[ab]': '[ab]',
    '[!a]': '[^a/]',
  }
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), text, (parts, subject) => {
      // Three stars in a row are a "**" and a "*", which mean what "**" means.
      const source = parts
        .join('')
        .replace(/\*{2,}|\*|\?|\[!?ab?\]|[ab/]/g, (found) =>
          found.startsWith('**') ? '.*' : (sources[found] ?? found),
        )
      const want = new RegExp(`^${source}$`).test(subject)
      assert.is(library.matches(parts.join(''), subject), want, `${parts.join('')} ${subject}`)
    }),
    { numRuns: 2_000 },
  )
  const startedAtMs = performance.now()
  assert.not.ok(library.matches('**a*'.repeat(20), 'b'.repeat(20_000)))
  assert.ok(performance.now() - startedAtMs < 5_000)
})

test('dates are written as Node writes them, over ten thousand years', () => {
  const first = Date.UTC(1, 0, 1) - 1900 * 365.2425 * 86_400_000
  fc.assert(
    fc.property(fc.integer({ min: Math.round(first), max: Date.UTC(9999, 11, 31) }), (ms) => {
      const date = new Date(ms)
      if (date.getUTCFullYear() < 0) return
      assert.is(library.httpDate(BigInt(ms)), date.toUTCString())
      assert.is(library.isoDate(BigInt(ms)), date.toISOString())
      assert.is(library.parseHttpDate(date.toUTCString()), BigInt(Math.floor(ms / 1000) * 1000))
    }),
    { numRuns: 1_000 },
  )
})

test('the three forms of HTTP dates are read, and nothing else', () => {
  const moment = 784111777000n
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ]) {
    assert.is(library.parseHttpDate(text), moment, text)
  }
  assert.is(library.parseHttpDate('Sun Nov 16 08:49:37 1994'), moment + 864_000_000n)
  assert.is(
    library.isoDate(library.parseHttpDate('Sunday, 06-Nov-69 08:49:37 GMT')).slice(0, 4),
    '2069',
  )
  const wrong = [
    '',
    'x',
    '0',
    '1994-11-06T08:49:37Z',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 GMTx',
    'Sun, 06 nov 1994 08:49:37 GMT',
    'Sun, 32 Jan 1994 08:49:37 GMT',
    'Sun, 29 Feb 1993 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Son, 06 Nov 1994 08:49:37 GMT',
    'unM, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 ovD 1994 08:49:37 GMT',
    'Sun,',
    'Sun, 06 Nov 1994 08:49:3',
    'x'.repeat(100_000),
  ]
  for (const text of wrong) assert.is(library.parseHttpDate(text), -(2n ** 63n), text.slice(0, 40))
})

test('a cookie to set has its attributes, and refuses what could forge another', () => {
  assert.is(library.plainCookie('a', 'b=c'), 'a=b=c')
  assert.is(
    library.fullCookie(),
    'a=b; Path=/x; Domain=example.com; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Secure; HttpOnly; SameSite=Lax',
  )
  for (const name of ['', 'a b', 'a=b', 'a;', 'ü']) {
    assert.throws(() => library.plainCookie(name, 'x'), /is no cookie name/, name)
  }
  for (const value of ['a b', 'a;b', 'a,b', '"a"', 'a\\', 'ü', 'a\r\nb']) {
    assert.throws(() => library.plainCookie('a', value), /cannot travel/, value)
  }
  assert.throws(() => library.cookieWith('/;x', 'Lax'), /Path cannot hold/)
  assert.throws(() => library.cookieWith('/', 'lax'), /SameSite is Strict, Lax or None/)
})
