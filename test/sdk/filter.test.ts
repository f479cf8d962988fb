import { isGatewayError } from '../../host/errors.ts'
import { Body } from '../../host/exchange/body.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest, type Request } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { compiledFixture, type GuestRun, TestGuest } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/filter', { timeoutMs: 120_000 })

const open = async (parameters: Readonly<Record<string, string>> = {}): Promise<TestGuest> =>
  TestGuest.open(await compiledFixture('sdk/assembly/echo'), { must: 'm', ...parameters })

interface Init {
  readonly target?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

const asking = (action: string, { target = '/', headers = [], body = '' }: Init = {}): Request =>
  makeRequest({ target, headers: ['x-do', action, ...headers], body: Body.text(body) })

const header = (run: GuestRun, name: string): string | undefined => run.request.headers.get(name)
const requestBody = (run: GuestRun): string => run.request.body.whole().toString('utf8')

test('the description says what the source says', async () => {
  const { description } = await open()
  assert.equal(description.phases, ['request', 'response', 'done'])
  assert.equal(description.body, { request: 'bytes', response: 'bytes', limit: 4 * 1024 * 1024 })
  assert.equal(description.results, ['first', 'second'])
  assert.equal(description.parameters['text'], {
    type: 'string',
    required: false,
    default: 'fallback',
    description: 'A text.',
  })
  assert.equal(description.parameters['count'], { type: 'integer', required: false, default: -7 })
  assert.equal(description.parameters['must'], { type: 'string', required: true })
})

test('every field of a request can be read', async () => {
  const guest = await open()
  const before = Date.now()
  const run = await guest.run(asking('fields', { target: '/a%20b?x=%C3%BC&y' }))
  assert.is(header(run, 'x-method'), 'GET')
  assert.is(header(run, 'x-path'), '/a%20b')
  assert.is(header(run, 'x-query'), 'x=%C3%BC&y')
  assert.is(header(run, 'x-host'), 'localhost')
  assert.is(header(run, 'x-scheme'), 'http')
  assert.is(header(run, 'x-protocol'), '1.1')
  assert.is(header(run, 'x-client'), '127.0.0.1')
  assert.is(header(run, 'x-route'), 'test-pipeline')
  assert.is(header(run, 'x-id'), run.exchange.id)
  const now = Number(header(run, 'x-now'))
  assert.ok(now >= before && now <= Date.now(), `${now}`)
})

test('the common methods and any other come as they are', async () => {
  const guest = await open()
  for (const method of ['GET', 'GEX', 'POST', 'HEAD', 'PUT', 'DELETE', 'PROPFIND']) {
    const request = asking('fields')
    request.method = method
    assert.is(header(await guest.run(request), 'x-method'), method)
  }
})

test('method, path and query can be rewritten, and reads see the writes', async () => {
  const run = await (await open()).run(asking('rewrite', { target: '/x?y' }))
  assert.equal([run.request.method, run.request.target], ['PUT', '/v2/x?a=1'])
  assert.is(header(run, 'x-seen'), 'PUT /v2/x a=1')
})

test('headers are listed, counted, copied, added and removed', async () => {
  const headers = ['X-Many', 'one', 'Accept', '*/*', 'x-many', 'two']
  const run = await (await open()).run(asking('headers', { headers }))
  assert.is(header(run, 'x-names'), 'x-do,X-Many,Accept,x-many')
  assert.is(header(run, 'x-count'), '2 2')
  assert.equal(run.request.headers.getAll('x-copy'), ['one', 'two'])
  assert.is(header(run, 'x-has'), 'true false')
  assert.equal(run.request.headers.getAll('x-many'), [])
  assert.equal(
    [0, 1, 2].map((i) => header(run, `x-number-${i}`)),
    ['0', '1', '2'],
  )
})

test('a value longer than the buffer arrives whole, and so does the next short one', async () => {
  const guest = await open()
  const long = 'v'.repeat(20_000)
  const run = await guest.run(asking('headers', { headers: ['x-many', long, 'x-many', 'short'] }))
  assert.equal(run.request.headers.getAll('x-copy'), [long, 'short'])
})

test('a body is read as bytes and as UTF-8, and replaced', async () => {
  const run = await (await open()).run(asking('body', { body: 'größer 日本' }))
  assert.is(header(run, 'x-length'), '15')
  assert.is(header(run, 'x-bytes'), '15')
  assert.is(header(run, 'x-characters'), '9')
  assert.is(requestBody(run), 'größer 日本!')
  const empty = await (await open()).run(asking('body'))
  assert.is(header(empty, 'x-length'), '0')
  assert.is(requestBody(empty), '!')
})

test('query values are decoded, the first of a name is taken', async () => {
  const target = '/?a=1&b=x%20y+z&a=2&c&%C3%BC=%E2%82%AC&d+e=%zz%4'
  const run = await (await open()).run(asking('query', { target }))
  assert.is(requestBody(run), '1|x y z||€|%zz%4|-|-|')
})

test('results are the names of the source', async () => {
  const guest = await open()
  assert.is((await guest.run(asking('result1'))).result, 'first')
  assert.is((await guest.run(asking('result2'))).result, 'second')
  assert.is((await guest.run(asking('nothing'))).result, undefined)
})

test('a reply carries status, headers and text', async () => {
  const run = await (await open()).run(asking('reply'))
  assert.is(run.result, 'replied')
  assert.is(run.response?.status, 418)
  assert.is(run.response?.body.whole().toString('utf8'), 'tea für zwei')
  assert.is(run.response?.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.is(run.response?.headers.get('x-one'), '1')
  assert.equal(run.response?.headers.getAll('x-two'), ['a', 'b'])
})

test('a reply of bytes has no type of its own', async () => {
  const run = await (await open()).run(asking('reply-bytes', { body: 'abc' }))
  assert.is(run.response?.body.whole().toString('utf8'), 'abc')
  assert.is(run.response?.headers.get('content-type'), undefined)
})

test('a response can be read and changed, its request only read', async () => {
  const guest = await open()
  const upstream = (): Response => new Response(201, new Headers(), Body.text('banana'))
  const run = await guest.run(asking('response', { target: '/p' }), upstream())
  assert.is(run.response?.status, 299)
  assert.is(run.response?.headers.get('x-status'), '201')
  assert.is(run.response?.headers.get('x-path'), '/p')
  assert.is(run.response?.body.whole().toString('latin1'), 'b\xe4n\xe4n\xe4')
  const late = await guest.run(asking('late'), upstream())
  assert.is(late.response, null)
  assert.match(guest.lines.join(), 'x-late: not possible in this phase')
})

test('the result of an owed phase becomes a tag', async () => {
  const run = await (await open()).run(asking('response-result'), Response.text(200, 'x'))
  assert.equal(run.exchange.tags, ['echo(first)'])
})

test('ctx goes from phase to phase, whichever instance serves them', async () => {
  const guest = await open()
  const request = asking('context', { headers: ['user-agent', 'caf\xe9'] })
  const upstream = new Response(200)
  const handled = guest.run(request, upstream)
  guest.forget()
  const run = await handled
  assert.is(header(run, 'x-number'), '42')
  assert.is(run.response?.body.whole().toString('utf8'), 'größer ≥ 日本')
  assert.is(run.response?.headers.get('x-text'), 'caf\xe9')
  assert.is(run.response?.headers.get('x-none'), 'null')
})

test('onDone sees the heads', async () => {
  const guest = await open()
  await guest.run(asking('done', { target: '/end' }), Response.text(204, ''))
  assert.equal(guest.logs, ['info: /end 204'])
})

test('onDone learns how the exchange ended, and no other phase does', async () => {
  const guest = await open()
  await guest.run(asking('outcome'), Response.text(204, ''))
  assert.equal(guest.logs, ['info: 204, 1.0 ms, 0 bytes, true'])
  const early = await guest.run(asking('outcome-early'), Response.text(204, ''))
  assert.is(early.response, null)
  assert.match(guest.lines.join('\n'), /the outcome: not possible in this phase/)
})

test('log lines have their level', async () => {
  const guest = await open()
  await guest.run(asking('log'))
  assert.equal(guest.logs, ['debug: one', 'info: zwölf', 'warn: three', 'error: four'])
})

test('parameters have their types and defaults', async () => {
  const shown = async (parameters: Readonly<Record<string, string>>): Promise<string | undefined> =>
    header(await (await open(parameters)).run(asking('parameters')), 'x-parameters')
  assert.is(await shown({}), 'fallback|m|-7|0.5|true')
  assert.is(
    await shown({ text: 'caf\xe9', must: 'x', count: '12', share: '-1e3', on: 'false' }),
    'caf\xe9|x|12|-1000.0|false',
  )
})

test('the author can refuse parameters, and the reason reaches the operator', async () => {
  try {
    await open({ count: '13' })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_START'))
    assert.match(error.message, 'count: 13 brings bad luck')
  }
  try {
    await open({ count: '99999999999' })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_START'))
    assert.match(error.message, '"99999999999" is not a whole number of 32 bits')
  }
})

test('what the host refuses fails the request with the reason, and the next one is served', async () => {
  const guest = await open()
  const failures: Readonly<Record<string, string>> = {
    denied: 'content-length: not granted, or it belongs to the host',
    invalid: 'x-y: against the HTTP grammar',
    'bad-name': 'against the HTTP grammar',
    wide: 'has a character that is not latin1',
    null: 'the value is null',
    trap: 'unreachable',
  }
  for (const [action, reason] of Object.entries(failures)) {
    guest.lines.length = 0
    const run = await guest.run(asking(action))
    assert.is(run.result, 'wasmError', action)
    assert.equal(run.request.headers.list, ['x-do', action])
    assert.match(guest.lines.join(), reason)
    assert.is((await guest.run(asking('result1'))).result, 'first')
  }
})
