import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import {
  endToEndFields,
  type ForwardedFields,
  forwardRequestFields,
  forwardRequestHeaders,
  isTrailerField,
} from '../../host/http/forward.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('http/forward')

test('answers with the list itself when nothing is to be removed', () => {
  const list = ['Accept', '*/*', 'X-A', '1', 'X-A', '2']
  assert.ok(endToEndFields(list) === list)
})

test('removes hop-by-hop and framing fields in any case, and keeps order and repetition', () => {
  assert.equal(
    endToEndFields([
      'X',
      '1',
      'CONNECTION',
      'keep-alive',
      'Keep-Alive',
      'timeout=5',
      'x',
      '2',
      'Proxy-Connection',
      'a',
      'TE',
      'trailers',
      'Trailer',
      'X',
      'Upgrade',
      'h2c',
      'Transfer-Encoding',
      'chunked',
      'Content-Length',
      '5',
      'Expect',
      '100-continue',
      'HTTP2-Settings',
      'AAM',
      'X',
      '3',
      'Proxy-Authorization',
      'Basic x',
      'Host',
      'a',
    ]),
    ['X', '1', 'x', '2', 'X', '3', 'Host', 'a'],
  )
})

test('removes what Connection names, before and after it', () => {
  assert.equal(
    endToEndFields(['X-Secret', '1', 'Connection', 'close, x-secret', 'x-secret', '2', 'X', '3']),
    ['X', '3'],
  )
})

test('does not let Connection remove fields that others rely on', () => {
  const list = [
    'Connection',
    'Authorization, Host, X-Forwarded-For, Cookie',
    'Authorization',
    'Bearer t',
    'Host',
    'a',
    'Cookie',
    'c',
  ]
  assert.equal(endToEndFields(list), ['Authorization', 'Bearer t', 'Host', 'a', 'Cookie', 'c'])
})

test('replaces what a client claims about itself by what the gateway knows', () => {
  const request = makeRequest({
    host: 'shop.example',
    remoteAddress: '192.0.2.7',
    headers: [
      'Host',
      'shop.example',
      'X-Forwarded-For',
      '10.0.0.1',
      'X-Forwarded-Proto',
      'https',
      'Accept',
      '*/*',
      'X-Forwarded-Host',
      'evil',
      'Forwarded',
      'for=1.2.3.4',
      'X-Real-IP',
      '1.2.3.4',
    ],
  })
  assert.equal(forwardRequestHeaders(request), [
    'Accept',
    '*/*',
    'X-Forwarded-For',
    '192.0.2.7',
    'X-Forwarded-Host',
    'shop.example',
    'X-Forwarded-Proto',
    'http',
  ])
})

test('does not change the headers of the request', () => {
  const headers = new Headers(['Accept', '*/*'])
  const request = makeRequest({ headers: [] })
  request.headers = headers
  forwardRequestHeaders(request)
  assert.equal(headers.list, ['Accept', '*/*'])
})

test('says of each request where it came from, whichever came before it', () => {
  const addresses = ['192.0.2.7', '192.0.2.8', '2001:db8::1']
  for (let i = 0; i < 24; i++) {
    const remoteAddress = addresses[i % 3] as string
    const host = ['shop.example', 'admin.example', ''][(i >> 1) % 3] as string
    const request = makeRequest({ host, remoteAddress })
    request.scheme = (i >> 2) % 2 === 0 ? 'http' : 'https'
    request.headers = Headers.fromLines('Accept: */*\r\n')
    const { list } = forwardRequestFields(request) as ForwardedFields
    assert.equal(list, [
      ...['Accept', '*/*', 'X-Forwarded-For', remoteAddress],
      ...(host === '' ? [] : ['X-Forwarded-Host', host]),
      ...['X-Forwarded-Proto', request.scheme],
    ])
  }
})

test('keeps framing, routing and credentials out of trailers', () => {
  for (const name of [
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Authorization',
    'Set-Cookie',
  ]) {
    assert.is(isTrailerField(name), false, name)
  }
  assert.is(isTrailerField('X-Checksum'), true)
})
