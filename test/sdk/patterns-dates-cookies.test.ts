import fc from 'fast-check'
import { type Library, loadLibrary } from '../support/sdk-library.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/patterns-dates-cookies', { timeoutMs: 120_000 })

let library: Library
test.before(async () => {
  library = await loadLibrary()
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
