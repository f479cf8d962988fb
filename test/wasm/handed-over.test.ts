import fc from 'fast-check'
import { Exchange } from '../../host/exchange/exchange.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { applyChanges } from '../../host/wasm/apply-changes.ts'
import { LOCAL_GRANT } from '../../host/wasm/grant/grant.ts'
import { GuestCall, headerName, Message, Phase } from '../../host/wasm/guest-call.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/handed-over')

const FIELDS = ['Accept: */*', 'X-One: 1', 'x-one: 2', 'Cookie: a=b']
const LINES = FIELDS.map((field) => `${field}\r\n`).join('')
const NO_NUMBERS: number[] = []

const change = fc.record({
  kind: fc.constantFrom('set', 'add', 'remove', 'reply'),
  message: fc.constantFrom(Message.request, Message.response),
  name: fc.constantFrom(
    'x-one',
    'X-New',
    'accept',
    'x-forwarded-for',
    'date',
    'host',
    'Connection',
  ),
  value: fc.constantFrom('', '1', 'a b', 'bad\r\nvalue', ' blank', '\xfc'),
})
type Changes = ReturnType<typeof fc.sample<typeof change extends fc.Arbitrary<infer C> ? C : never>>

/** What a guest's changes come to, and what each host call answered. */
function run(
  changes: Changes,
  isLocal: boolean,
  hasResponse: boolean,
): { result: unknown; lines: readonly (string | null)[] } {
  const exchange = new Exchange(makeRequest({ target: '/' }), 's', 0)
  exchange.request.headers = Headers.fromLines(LINES, 'Host: a\r\nX-Forwarded-For: 1.2.3.4\r\n')
  if (hasResponse) exchange.response = new Response(200, Headers.fromLines(LINES))
  const { request, response } = exchange
  const call = new GuestCall(LOCAL_GRANT, isLocal)
  call.load({
    phase: Phase.request,
    method: 'GET',
    path: '/',
    query: '',
    scheme: 'http',
    host: 'a',
    clientAddress: '',
    route: '',
    requestId: '',
    protocol: '1.1',
    requestHeaders: request.headers,
    requestBody: null,
    status: response === null ? 0 : 200,
    responseHeaders: response?.headers ?? null,
    responseBody: null,
    context: null,
  })
  const answers = changes.map(({ kind, message, name, value }) => {
    if (kind === 'reply') return call.reply(403, new Uint8Array())
    if (kind === 'remove') return call.removeHeader(message, headerName(name))
    if (kind === 'add') return call.addHeader(message, headerName(name), value)
    return call.setHeader(message, headerName(name), value)
  })
  const log = call.takeChanges()
  const entries = log?.kinds ?? NO_NUMBERS
  if (isLocal)
    assert.ok(
      entries.every((kind) => kind === 5),
      'no entry for a header',
    )
  const refused = log === null ? null : applyChanges(exchange, log, () => undefined)
  const after = exchange.response
  const result = {
    answers,
    refused,
    request: [...exchange.request.headers.list],
    status: after?.status,
    response: after === null ? null : [...after.headers.list],
  }
  return { result, lines: [exchange.request.headers.lines, after?.headers.lines ?? null] }
}

test('fields that are handed over are those that the entries would have made', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), fc.boolean(), (changes, hasResponse) => {
      const [own, entries] = [run(changes, true, hasResponse), run(changes, false, hasResponse)]
      assert.equal(own.result, entries.result)
      // Lines may have to be made anew where they could have been kept, never the other way round.
      for (const [i, lines] of own.lines.entries()) {
        if (lines !== null) assert.is(lines, entries.lines[i])
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the next call has a log of its own', () => {
  const call = new GuestCall(LOCAL_GRANT, true)
  call.tag(Buffer.from('first'))
  const first = call.takeChanges()
  assert.is(call.takeChanges(), null)
  call.tag(Buffer.from('second'))
  assert.is(first?.size, 1)
  assert.is(String(first?.values[0]), 'first')
})
