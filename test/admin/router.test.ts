import type { Route } from '../../host/admin/route.ts'
import { Router } from '../../host/admin/router.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('admin/router')

const route = (method: Route['method'], path: string): Route => ({
  method,
  path,
  summary: '',
  handle: () => ({ status: 200 }),
})
const router = new Router([
  route('GET', '/a'),
  route('POST', '/a'),
  route('GET', '/a/{name}'),
  route('PUT', '/b/{x}/{y}'),
])

function outcome(method: string, path: string): string {
  try {
    const { route: found, params } = router.match(method, path)
    return `${found.method} ${found.path} ${JSON.stringify(params)}`
  } catch (error) {
    if (isGatewayError(error, 'ADMIN_METHOD')) return `allowed ${error.params.allowed}`
    return isGatewayError(error) ? error.code : String(error)
  }
}

test('finds the route and decodes what stands for a placeholder', () => {
  assert.is(outcome('GET', '/a'), 'GET /a {}')
  assert.is(outcome('GET', '/a/'), 'GET /a {}')
  assert.is(outcome('HEAD', '/a'), 'GET /a {}')
  assert.is(outcome('GET', '/a/x%2Fy%20z'), 'GET /a/{name} {"name":"x/y z"}')
  assert.is(outcome('PUT', '/b/1/2'), 'PUT /b/{x}/{y} {"x":"1","y":"2"}')
})

test('names the allowed methods when only the method differs', () => {
  assert.is(outcome('DELETE', '/a'), 'allowed GET, HEAD, POST')
  assert.is(outcome('OPTIONS', '/b/1/2'), 'allowed PUT')
})

test('everything else is not found', () => {
  for (const path of [
    '',
    '/',
    '/c',
    '/a/b/c',
    '/a//',
    '/b//2',
    '/a/%',
    '/a/%ff',
    'http://x/a',
    '*',
  ]) {
    assert.is(
      outcome('PUT', path),
      path === '/a//' ? 'allowed GET, HEAD, POST' : 'ADMIN_NOT_FOUND',
      path,
    )
  }
})
