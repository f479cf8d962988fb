import { fileURLToPath } from 'node:url'
import { isGatewayError } from '../../host/errors.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { compiled, TestGuest } from '../../test/support/guest.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/request-headers', { timeoutMs: 120_000 })

const open = async (parameters: Readonly<Record<string, string>>): Promise<TestGuest> =>
  TestGuest.open(await compiled(fileURLToPath(new URL('.', import.meta.url))), parameters)

test('set makes one field of many and keeps the others', async () => {
  const guest = await open({ set: 'x-tenant: acme' })
  const headers = ['Accept', '*/*', 'X-Tenant', 'a', 'x-tenant', 'b']
  const { request, result } = await guest.run(makeRequest({ headers }))
  assert.is(result, undefined)
  assert.equal(request.headers.list, ['Accept', '*/*', 'X-Tenant', 'acme'])
})

test('default leaves a header that is there, add puts one more', async () => {
  const guest = await open({ default: 'a: 1\nb: 2', add: 'a: 3' })
  const { request } = await guest.run(makeRequest({ headers: ['A', '0'] }))
  assert.equal(request.headers.list, ['A', '0', 'b', '2', 'a', '3'])
})

test('remove takes names and prefixes, in any case', async () => {
  const guest = await open({ remove: '# none of our own\ncookie\nx-Internal-*' })
  const headers = [
    'X-INTERNAL-role',
    'admin',
    'Cookie',
    'a=1',
    'x-internal',
    'kept',
    'x-internal-b',
    '1',
  ]
  const { request } = await guest.run(makeRequest({ headers }))
  assert.equal(request.headers.list, ['x-internal', 'kept'])
})

test('a thousand different names that match a prefix cost no names of the instance', async () => {
  const guest = await open({ remove: 'x-internal-*', set: 'x-last: {path}' })
  for (let i = 0; i < 1_000; i++) {
    const { request, result } = await guest.run(makeRequest({ headers: [`x-internal-${i}`, '1'] }))
    assert.is(result, undefined, guest.lines.join())
    assert.equal(request.headers.list, ['x-last', '/'])
  }
})

test('values are filled in from the request', async () => {
  const guest = await open({
    set: 'x-all: {client} {scheme} {host} {method} {path} {route} {header:Accept} {query:q}!',
  })
  const { request } = await guest.run(
    makeRequest({ target: '/a/b?q=one%20two', headers: ['accept', 'text/html'], host: 'h:80' }),
  )
  assert.is(
    request.headers.get('x-all'),
    '127.0.0.1 http h:80 GET /a/b test-pipeline text/html one two!',
  )
})

test('a query cannot bring characters that fail the request', async () => {
  const guest = await open({ set: 'x-q: {query:q}' })
  const { request, result } = await guest.run(makeRequest({ target: '/?q=a%0d%0aevil:%201%C3%BC' }))
  assert.is(result, undefined)
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
