import { isGatewayError } from '../../host/errors.ts'
import { type HeadersInit, loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/request-headers', { timeoutMs: 120_000 })

const open = (parameters: Readonly<Record<string, string>>): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters })

/** What the upstream gets beside Host. */
async function sent(filter: TestFilter, headers: HeadersInit): Promise<readonly unknown[]> {
  const { request, error } = await filter.request({ headers })
  assert.is(error, null)
  return request.headers.entries.filter(([name]) => name !== 'Host')
}

test('set makes one field of many and keeps the others', async () => {
  const filter = await open({ set: 'x-tenant: acme' })
  const headers = [
    ['Accept', '*/*'],
    ['X-Tenant', 'a'],
    ['x-tenant', 'b'],
  ] as const
  assert.equal(await sent(filter, headers), [
    ['Accept', '*/*'],
    ['X-Tenant', 'acme'],
  ])
})

test('default leaves a header that is there, add puts one more', async () => {
  const filter = await open({ default: 'a: 1\nb: 2', add: 'a: 3' })
  assert.equal(await sent(filter, { A: '0' }), [
    ['A', '0'],
    ['b', '2'],
    ['a', '3'],
  ])
})

test('remove takes names and prefixes, in any case', async () => {
  const filter = await open({ remove: '# none of our own\ncookie\nx-Internal-*' })
  const headers = {
    'X-INTERNAL-role': 'admin',
    Cookie: 'a=1',
    'x-internal': 'kept',
    'x-internal-b': '1',
  }
  assert.equal(await sent(filter, headers), [['x-internal', 'kept']])
})

test('a thousand different names that match a prefix cost no names of the instance', async () => {
  const filter = await open({ remove: 'x-internal-*', set: 'x-last: {path}' })
  for (let i = 0; i < 1_000; i++) {
    assert.equal(await sent(filter, { [`x-internal-${i}`]: '1' }), [['x-last', '/']])
  }
})

test('values are filled in from the request', async () => {
  const filter = await open({
    set: 'x-all: {client} {scheme} {host} {method} {path} {route} {header:Accept} {query:q}!',
  })
  const { request } = await filter.request({
    path: '/a/b?q=one%20two',
    headers: { accept: 'text/html' },
    host: 'h:80',
  })
  assert.is(
    request.headers.get('x-all'),
    '127.0.0.1 http h:80 GET /a/b test-pipeline text/html one two!',
  )
})

test('a query cannot bring characters that fail the request', async () => {
  const filter = await open({ set: 'x-q: {query:q}' })
  const { request, result } = await filter.request({ path: '/?q=a%0d%0aevil:%201%C3%BC' })
  assert.is(result, 'next')
  assert.is(request.headers.get('x-q'), 'a??evil: 1?')
})

test('every rule that cannot be read refuses the filter, all at once', async () => {
  try {
    await open({ set: 'no colon\nx: {nothing}\ny: {open', remove: 'a b' })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_START'))
    const { reason } = error.params as { reason: string }
    assert.match(reason, 'set: "no colon" is not "name: value"')
    assert.match(reason, '"{nothing}" stands for nothing')
    assert.match(reason, 'a "{" has no "}"')
    assert.match(reason, 'remove: "a b" is not a header name')
  }
})

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ set: 'x-all: {client} {path} {header:x-user}', remove: 'x-i-*' })
  const leak = await filter.leakCheck((i) => ({
    path: `/${i}`,
    headers: { 'x-user': `user ${i}`, [`x-i-${i % 20}`]: '1' },
  }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
