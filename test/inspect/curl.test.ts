import { curlCommand } from '../../host/inspect/curl.ts'
import type { SentRequest } from '../../host/inspect/sent-request.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('inspect/curl')

function command(request: Partial<SentRequest>): string {
  return curlCommand(
    {
      scheme: 'http',
      method: 'GET',
      target: '/',
      host: '127.0.0.1:80',
      headers: ['accept', '*/*', 'user-agent', 'curl/8.0'],
      body: Buffer.alloc(0),
      ...request,
    },
    80,
  )
}

test('what curl sends by itself is left out, and what it would add is taken back', () => {
  assert.is(command({}), 'curl -i \\\n  http://127.0.0.1:80/')
  assert.is(
    command({ headers: ['x-empty', ''] }),
    "curl -i \\\n  -H 'x-empty;' \\\n  -H accept: \\\n  -H user-agent: \\\n  http://127.0.0.1:80/",
  )
})

test('a body makes it a POST, with the type it had or none', () => {
  const body = Buffer.from('{"it\'s": 1}')
  assert.is(
    command({ method: 'POST', body }),
    `curl -i \\\n  -H content-type: \\\n  --data-raw '{"it'\\''s": 1}' \\\n  http://127.0.0.1:80/`,
  )
  assert.match(command({ method: 'PUT', body }), '-X PUT')
  assert.match(command({ method: 'GET', body }), '-X GET')
  assert.match(command({ method: 'HEAD' }), '--head')
  assert.not.match(command({ method: 'HEAD' }), '-X')
})

test('bytes that are no text go through base64, control characters through escapes', () => {
  const binary = command({ method: 'POST', body: Buffer.from([0xff, 0]) })
  assert.match(binary, /^printf %s \/wA= \| base64 -d \|\ncurl -i .*--data-binary @-/s)
  const control = command({ method: 'POST', body: Buffer.from("a\u0001'é") })
  assert.match(control, "--data-raw $'a\\x01\\'é'")
  // A header's value is bytes: é is one byte there.
  assert.match(command({ headers: ['x', 'caf\u00e9'] }), "-H $'x: caf\\xe9'")
})

test('paths and hosts that curl would change are said as they are', () => {
  assert.match(command({ target: '/a/../b' }), '--path-as-is')
  assert.match(command({ target: '/a?b[]=1' }), '--globoff')
  assert.match(command({ host: 'shop.example' }), "-H 'host: shop.example'")
  assert.match(command({ scheme: 'https' }), '--insecure')
  assert.match(command({ scheme: 'https' }), 'https://127.0.0.1:80/')
})
