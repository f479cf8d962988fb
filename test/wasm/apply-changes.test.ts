import { Body } from '../../host/exchange/body.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { applyChanges } from '../../host/wasm/apply-changes.ts'
import { Change, ChangeLog } from '../../host/wasm/change-log.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/apply-changes')

type Entry = readonly [kind: number, name: string, value: string | Uint8Array]

function apply(exchange: Exchange, ...entries: Entry[]): string | null {
  const log = new ChangeLog()
  for (const [kind, name, value] of entries) log.push(kind, name, value)
  return applyChanges(exchange, log)
}

function exchangeWith(response: boolean): Exchange {
  const exchange = new Exchange(makeRequest({ target: '/a?b', headers: ['x', '1'] }), 's', 0)
  if (response) exchange.response = new Response(200, undefined, Body.text('body'))
  return exchange
}

test('one change that may not be sent refuses all of them', () => {
  const bad: Entry[] = [
    [Change.requestHeaderSet, 'content-length', '5'],
    [Change.requestHeaderSet, 'x y', '5'],
    [Change.requestHeaderAdd, 'y', 'a\r\nb'],
    [Change.path, '', '//evil'],
    [Change.path, '', '/a/../b'],
    [Change.path, '', '/a b'],
    [Change.path, '', 'http://evil/'],
    [Change.query, '', 'a b'],
    [Change.method, '', 'GET /'],
    [Change.status, '200', ''],
    [Change.responseHeaderSet, 'a', 'b'],
    [Change.responseBody, '', new Uint8Array(1)],
    [Change.reply, '101', new Uint8Array()],
    [99, '', ''],
  ]
  for (const entry of bad) {
    const exchange = exchangeWith(false)
    const refused = apply(exchange, [Change.requestHeaderSet, 'x', 'changed'], entry)
    assert.type(refused, 'string', JSON.stringify(entry))
    assert.is(exchange.request.headers.get('x'), '1')
    assert.is(exchange.response, null)
  }
})

test('changes are applied in their order', () => {
  const exchange = exchangeWith(false)
  const refused = apply(
    exchange,
    [Change.method, '', 'PUT'],
    [Change.path, '', '/new%20path'],
    [Change.query, '', 'q=1'],
    [Change.requestHeaderSet, 'x', '2'],
    [Change.requestHeaderAdd, 'x', '3'],
    [Change.requestBody, '', Buffer.from('hello')],
  )
  assert.is(refused, null)
  const { request } = exchange
  assert.is(`${request.method} ${request.target}`, 'PUT /new%20path?q=1')
  assert.equal(request.headers.getAll('x'), ['2', '3'])
  assert.is(request.body.whole().toString(), 'hello')
})

test('a reply makes the response that later changes are about', () => {
  const exchange = exchangeWith(false)
  const refused = apply(
    exchange,
    [Change.reply, '401', Buffer.from('no')],
    [Change.responseHeaderSet, 'www-authenticate', 'Basic'],
    [Change.status, '403', ''],
  )
  assert.is(refused, null)
  assert.is(exchange.response?.status, 403)
  assert.is(exchange.response?.headers.get('www-authenticate'), 'Basic')
  assert.is(exchange.response?.body.whole().toString(), 'no')
})

test('a response can be given another status, head and body', () => {
  const exchange = exchangeWith(true)
  const refused = apply(
    exchange,
    [Change.status, '418', ''],
    [Change.responseHeaderAdd, 'a', 'b'],
    [Change.responseHeaderRemove, 'c', ''],
    [Change.responseBody, '', Buffer.from('new')],
  )
  assert.is(refused, null)
  assert.is(exchange.response?.status, 418)
  assert.is(exchange.response?.body.whole().toString(), 'new')
})
