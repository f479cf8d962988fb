import fc from 'fast-check'
import { loadFunctions } from '../../host/testing/load-functions.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/url', { timeoutMs: 120_000 })

interface Functions {
  parts(text: string): string
  queryOf(text: string, name: string): string | null
  pairs(text: string): string
  all(text: string, name: string): string[]
  changed(text: string, action: string, name: string, value: string): string
}

let sdk: Functions
test.before(async () => {
  sdk = await loadFunctions<Functions>(new URL('./assembly/url.ts', import.meta.url))
})

test('an address is taken apart', () => {
  const addresses: readonly (readonly [string, string])[] = [
    [
      'https://shop.example',
      'https|shop.example|443|/||https://shop.example|https://shop.example/',
    ],
    [
      'HTTP://Shop.Example:8080/A?q=1#x?y',
      'http|shop.example|8080|/A|q=1|http://shop.example:8080|http://shop.example:8080/A?q=1',
    ],
    ['https://a:443/', 'https|a|443|/||https://a|https://a/'],
    ['https://a:/b', 'https|a|443|/b||https://a|https://a/b'],
    ['http://a?b/c', 'http|a|80|/|b/c|http://a|http://a/?b/c'],
    ['http://127.0.0.1', 'http|127.0.0.1|80|/||http://127.0.0.1|http://127.0.0.1/'],
    [
      'http://[2001:DB8::1]:81/x',
      'http|[2001:db8::1]|81|/x||http://[2001:db8::1]:81|http://[2001:db8::1]:81/x',
    ],
  ]
  for (const [address, parts] of addresses) assert.is(sdk.parts(address), parts)
  assert.is(sdk.queryOf('https://a/?q=x%20y', 'q'), 'x y')
})

test('what readers disagree about is no address', () => {
  const others = [
    ...['', '/', '//a/b', 'a.example', 'https:/a', 'https://', 'https:///a', 'ftp://a', 'null'],
    ...[
      'javascript:alert(1)',
      'data://a',
      ' https://a',
      'https://a ',
      'https://a\tb',
      'https://ä/',
    ],
    ...[
      'https://good.example@evil.example/',
      'https://u:p@a/',
      'https://good.example\\@evil.example',
    ],
    ...['https://a\\b', 'https://a:x/', 'https://a:65536/', 'https://a:-1/', 'https://a:1:2/'],
    ...[
      'https://[::1',
      'https://::1/',
      'https://[a]b/',
      'https://a%2eb/',
      'https://[]/',
      'https://a,b/',
    ],
  ]
  // The address of a machine to a browser, a name to others.
  const numbers = ['80', '1.2.3', '0x7f.1', '127.0.0.01', '127.0.0.256', 'a..b', 'a.', '.']
  others.push(...numbers.map((host) => `https://${host}/`))
  for (const other of others) assert.is(sdk.parts(other), 'none', JSON.stringify(other))
})

test('whatever is an address here is the same one to the URL of browsers', () => {
  const word = fc.constantFrom(
    '.',
    '0x1',
    'a',
    'b.example',
    '..',
    '/',
    '?',
    '#',
    ':',
    '@',
    '\\',
    '80',
    '[::1]',
    '%2f',
    '&',
  )
  const text = fc.array(word, { maxLength: 8 }).map((words) => `https://${words.join('')}`)
  fc.assert(
    fc.property(text, (address) => {
      const [scheme, host, port, , query] = sdk.parts(address).split('|')
      if (scheme === 'none' || !URL.canParse(address)) return
      const url = new URL(address)
      assert.equal(
        [`${scheme}:`, host, Number(port)],
        [url.protocol, url.hostname, Number(url.port || 443)],
      )
      assert.is(query, url.search.slice(1))
    }),
    { numRuns: 2_000 },
  )
})

test('pairs are read as a form is, in order', () => {
  const query = 'a=1&b=x+y&&a=%C3%A4%&c&=d&e=f=g'
  const wanted = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${value}\n`)
  assert.is(sdk.pairs(query), wanted.join(''))
  assert.equal(sdk.all(query, 'a'), ['1', 'ä%'])
  assert.equal(sdk.all(query, 'x'), [])
  assert.is(sdk.pairs(''), '')
})

test('pairs are set, added and removed, and the others stay as they were written', () => {
  const query = 'b=%7e&a=1&c&a=2'
  assert.is(sdk.changed(query, 'set', 'a', 'x y&=ü'), 'b=%7e&a=x%20y%26%3D%C3%BC&c')
  assert.is(sdk.changed(query, 'set', 'd', ''), 'b=%7e&a=1&c&a=2&d=')
  assert.is(sdk.changed(query, 'add', 'a', '3'), 'b=%7e&a=1&c&a=2&a=3')
  assert.is(sdk.changed(query, 'remove', 'a', ''), 'true false b=%7e&c')
  assert.is(sdk.changed(query, 'remove', 'x', ''), `false false ${query}`)
  assert.is(sdk.changed('%61=1&a=2', 'remove', 'a', ''), 'true false ')
  assert.is(sdk.changed('', 'set', 'a', '1'), 'a=1')
})
