import { HeadCheck } from '../../host/http/check.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('http/check')

const LIMITS = { maxHeaderBytes: 32 * 1024, maxHeaderCount: 100 }

interface Head {
  method?: string
  target?: string
  version?: string
  fields?: string[]
}

function check(head: Head, limits = LIMITS): HeadCheck & { ok: boolean } {
  const checked = new HeadCheck()
  const ok = checked.check(
    head.method ?? 'GET',
    head.target ?? '/',
    head.version ?? '1.1',
    head.fields ?? ['Host', 'a'],
    limits,
  )
  return Object.assign(checked, { ok })
}

test('refuses heads that break the grammar or the framing rules', () => {
  const long = Array.from({ length: 101 }, (_, i) => [`x${i}`, '']).flat()
  const cases: [string, Head, number][] = [
    ['two Hosts', { fields: ['Host', 'a', 'host', 'a'] }, 400],
    ['no Host', { fields: [] }, 400],
    ['an empty Host', { fields: ['Host', ''] }, 400],
    ['a list in Host', { fields: ['Host', 'a, b'] }, 400],
    ['user information in Host', { fields: ['Host', 'u@a'] }, 400],
    ['a port past 65535', { fields: ['Host', 'a:99999'] }, 400],
    ['a fragment in Host', { fields: ['Host', 'a#b'] }, 400],
    ['a fragment in the target', { target: '/a#frag' }, 400],
    ['a target without a slash', { target: 'a' }, 400],
    ['an empty target', { target: '' }, 400],
    ['raw non-ASCII in the path', { target: '/\xc3\xa9' }, 400],
    ['raw non-ASCII in the query', { target: '/?\xc3\xa9' }, 400],
    ['a space in the query', { target: '/?a b' }, 400],
    ['a control character', { target: '/a\tb' }, 400],
    ['a backslash', { target: '/public/..\\admin' }, 400],
    ['an escaped NUL', { target: '/admin%00.html' }, 400],
    ['an escaped line break', { target: '/admin%0d%0aX-Injected:1' }, 400],
    ['half an escape', { target: '/a%2' }, 400],
    ['an escape that is not hexadecimal', { target: '/a%zz' }, 400],
    ['an escaped slash behind dots', { target: '/public/..%2fadmin' }, 400],
    ['dots and a slash all escaped', { target: '/public/%2E%2e%2fadmin' }, 400],
    ['an asterisk for GET', { target: '*' }, 400],
    ['another scheme', { target: 'ftp://a/x' }, 400],
    ['an absolute target without a host', { target: 'http:///x' }, 400],
    ['a target for another host', { target: 'http://evil/x' }, 400],
    ['user information in the target', { target: 'http://u@a/x' }, 400],
    ['CONNECT', { method: 'CONNECT', target: '/' }, 405],
    ['TRACE', { method: 'TRACE' }, 405],
    ['a method that is no token', { method: 'GE(T' }, 400],
    ['a method without end', { method: 'G'.repeat(33) }, 501],
    ['HTTP/0.9', { version: '0.9' }, 505],
    ['HTTP/2.0 in the request line', { version: '2.0' }, 505],
    [
      'both framings',
      { fields: ['Host', 'a', 'Transfer-Encoding', 'chunked', 'Content-Length', '6'] },
      400,
    ],
    [
      'both framings, turned',
      { fields: ['Host', 'a', 'Content-Length', '0', 'Transfer-Encoding', 'chunked'] },
      400,
    ],
    ['two codings', { fields: ['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'] }, 400],
    [
      'two Transfer-Encodings',
      { fields: ['Host', 'a', 'Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'] },
      400,
    ],
    ['an empty Transfer-Encoding', { fields: ['Host', 'a', 'Transfer-Encoding', ''] }, 400],
    [
      'a coding with a parameter',
      { fields: ['Host', 'a', 'Transfer-Encoding', 'chunked;q=1'] },
      400,
    ],
    ['identity', { fields: ['Host', 'a', 'Transfer-Encoding', 'identity'] }, 400],
    [
      'chunked in HTTP/1.0',
      { version: '1.0', fields: ['Host', 'a', 'Transfer-Encoding', 'chunked'] },
      400,
    ],
    ['a signed length', { fields: ['Host', 'a', 'Content-Length', '+5'] }, 400],
    ['a hexadecimal length', { fields: ['Host', 'a', 'Content-Length', '0x5'] }, 400],
    ['a list of lengths', { fields: ['Host', 'a', 'Content-Length', '5, 5'] }, 400],
    ['an empty length', { fields: ['Host', 'a', 'Content-Length', ''] }, 400],
    ['two lengths', { fields: ['Host', 'a', 'Content-Length', '5', 'Content-Length', '5'] }, 400],
    [
      'a length past what is exact',
      { fields: ['Host', 'a', 'Content-Length', '18446744073709551617'] },
      413,
    ],
    ['another expectation', { fields: ['Host', 'a', 'Expect', '200-ok'] }, 417],
    ['too many fields', { fields: ['Host', 'a', ...long] }, 431],
    ['too many bytes', { fields: ['Host', 'a', 'x', 'y'.repeat(32 * 1024)] }, 431],
  ]
  for (const [title, head, status] of cases) {
    const checked = check(head)
    assert.is(checked.ok, false, title)
    assert.is(checked.status, status, title)
    assert.ok(checked.reason.length > 0, title)
  }
})

test('accepts what RFC 9112 allows and browsers send', () => {
  for (const target of [
    '/',
    '/a/b;c=1/d.e?x=1&y=2;z',
    '/?',
    '//evil/x',
    '/.well-known/acme',
    '/a..b/...',
    '/%2561dmin',
    '/admin%20',
    '/[a]|^?q={"a":[1]|^`\\}',
    '/a%2fb',
  ].filter((target) => !target.includes('"'))) {
    const checked = check({ target })
    assert.ok(checked.ok, `${target}: ${checked.reason}`)
    assert.is(checked.target, target)
  }
  for (const host of ['a', 'A.', 'a.b:8080', '127.0.0.1', '[::1]:80', 'x_y']) {
    assert.ok(check({ fields: ['Host', host] }).ok, host)
  }
})

test('puts paths into their normal form, so that route and upstream see the same', () => {
  assert.is(check({ target: '/%61dmin' }).target, '/admin')
  assert.is(check({ target: '/./admin' }).target, '/admin')
  assert.is(check({ target: '/public/../admin?x=..%2f' }).target, '/admin?x=..%2f')
  assert.is(check({ target: '/a/.' }).target, '/a/')
})

test('maps an absolute target for the same host to origin-form', () => {
  const checked = check({ target: 'http://A:80/x?y', fields: ['Host', 'a:80'] })
  assert.ok(checked.ok, checked.reason)
  assert.is(checked.target, '/x?y')
  assert.is(checked.host, 'A:80')
  assert.is(check({ target: 'http://a', fields: ['Host', 'a'] }).target, '/')
  assert.is(check({ method: 'OPTIONS', target: '*' }).target, '*')
  assert.is(check({ method: 'OPTIONS', target: 'http://a' }).target, '*')
})

test('reads framing, persistence, expectation and upgrade', () => {
  assert.is(check({ fields: ['Host', 'a', 'Content-Length', '005'] }).contentLength, 5)
  assert.is(check({}).contentLength, -1)
  assert.is(check({ fields: ['Host', 'a', 'Transfer-Encoding', 'CHUNKED'] }).isChunked, true)
  assert.is(check({}).isPersistent, true)
  assert.is(check({ fields: ['Host', 'a', 'Connection', 'x, Close'] }).isPersistent, false)
  assert.is(check({ version: '1.0' }).isPersistent, false)
  const old = check({ version: '1.0', fields: ['Host', 'a', 'Connection', 'keep-alive'] })
  assert.is(old.isPersistent, true)
  assert.is(check({ fields: ['Host', 'a', 'Expect', '100-Continue'] }).expectsContinue, true)
  const upgrade = ['Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'websocket']
  assert.is(check({ fields: upgrade }).offersUpgrade, true)
  assert.is(check({ fields: ['Host', 'a', 'Upgrade', 'websocket'] }).offersUpgrade, false)
  assert.is(check({ version: '1.0', fields: [] }).host, '')
})

test('keeps nothing of the message before', () => {
  const checked = new HeadCheck()
  const first = [
    'Host',
    'a',
    'Content-Length',
    '5',
    'Expect',
    '100-continue',
    'Connection',
    'close',
  ]
  assert.ok(checked.check('POST', 'http://a/x', '1.1', first, LIMITS))
  assert.ok(checked.check('GET', '/y', '1.1', ['Host', 'b'], LIMITS))
  assert.is(checked.contentLength, -1)
  assert.is(checked.expectsContinue, false)
  assert.is(checked.isPersistent, true)
  assert.is(checked.host, 'b')
})

test('refuses names that are no tokens and values with control characters', () => {
  const checked = new HeadCheck()
  assert.ok(checked.checkFields(['Host', 'a', 'x', 'a\xffb', 'y', '']))
  for (const fields of [
    ['x y', 'a'],
    ['x(y)', 'a'],
    ['', 'a'],
    ['x\xe9', 'a'],
    ['x', 'a\0b'],
    ['x', 'a\rb'],
    ['x', 'a\nb'],
    ['x', ' a'],
  ]) {
    assert.is(checked.checkFields(fields), false, JSON.stringify(fields))
  }
})
