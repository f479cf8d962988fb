import { fileURLToPath } from 'node:url'
import { isGatewayError } from '../../host/errors.ts'
import { Body } from '../../host/exchange/body.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { compiled, type GuestRun, TestGuest } from '../../test/support/guest.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/response-body', { timeoutMs: 120_000 })

const open = async (parameters: Readonly<Record<string, string>>): Promise<TestGuest> =>
  TestGuest.open(await compiled(fileURLToPath(new URL('.', import.meta.url))), parameters)

const answer = (
  body: string | Buffer,
  headers: string[] = ['content-type', 'text/html'],
): Response =>
  new Response(
    200,
    new Headers(headers),
    typeof body === 'string' ? Body.text(body) : Body.bytes(body),
  )

const textOf = (run: GuestRun): string => run.response?.body.whole().toString('utf8') ?? ''

test('every occurrence is replaced, rule after rule, UTF-8 included', async () => {
  const guest = await open({ replace: 'Colour => Color\nColor => Hue\nfür => für alle\n</p> =>' })
  const run = await guest.run(makeRequest({}), answer('<p>Colour, Colour; für</p>'))
  assert.is(textOf(run), '<p>Hue, Hue; für alle')
})

test('a changed answer loses what spoke of its old bytes', async () => {
  const guest = await open({ replace: 'a => b' })
  const headers = [
    'Content-Type',
    'TEXT/HTML; charset=utf-8',
    'ETag',
    '"1"',
    'Accept-Ranges',
    'bytes',
    'X',
    '1',
  ]
  const changed = await guest.run(makeRequest({}), answer('a', headers.slice()))
  assert.equal(changed.response?.headers.list, [
    'Content-Type',
    'TEXT/HTML; charset=utf-8',
    'X',
    '1',
  ])
  const same = await guest.run(makeRequest({}), answer('c', headers.slice()))
  assert.equal(same.response?.headers.list, headers)
  assert.is(textOf(same), 'c')
})

test('compressed, partial, other and nameless content passes unchanged', async () => {
  const guest = await open({ replace: 'a => b' })
  const kept = async (response: Response): Promise<void> => {
    assert.is(textOf(await guest.run(makeRequest({}), response)), 'aaa')
  }
  await kept(answer('aaa', ['content-type', 'text/html', 'content-encoding', 'gzip']))
  await kept(answer('aaa', ['content-type', 'image/png']))
  await kept(answer('aaa', []))
  const partial = answer('aaa')
  partial.status = 206
  await kept(partial)
  const identity = answer('aaa', [
    'content-type',
    'application/json',
    'content-encoding',
    'Identity',
  ])
  assert.is(textOf(await guest.run(makeRequest({}), identity)), 'bbb')
})

test('types may end in a star', async () => {
  const guest = await open({ replace: 'a => b', types: 'text/*, application/xml' })
  const of = async (type: string): Promise<string> =>
    textOf(await guest.run(makeRequest({}), answer('a', ['content-type', type])))
  assert.is(await of('text/css'), 'b')
  assert.is(await of('application/xml'), 'b')
  assert.is(await of('application/json'), 'a')
})

test('long numbers are masked but for their last four digits', async () => {
  const guest = await open({ maskDigits: '12' })
  const of = async (text: string): Promise<string> =>
    textOf(await guest.run(makeRequest({}), answer(text)))
  assert.is(await of('card 4111 1111 1111 1234.'), 'card **** **** **** 1234.')
  assert.is(await of('card 4111-1111-1111-1234'), 'card ****-****-****-1234')
  assert.is(await of('123456789012'), '********9012')
  assert.is(await of('12345678901 and 2026-11-22 10:00'), '12345678901 and 2026-11-22 10:00')
})

test('bytes that are no text stay what they are', async () => {
  const guest = await open({ replace: 'a => b' })
  const run = await guest.run(makeRequest({}), answer(Buffer.from([0x61, 0xff, 0x00, 0x80, 0x61])))
  assert.equal([...(run.response?.body.whole() ?? [])], [0x62, 0xff, 0x00, 0x80, 0x62])
})

test('the upstream is asked for plain text unless that is off', async () => {
  const headers = ['Accept-Encoding', 'gzip, br']
  const asked = await (await open({})).run(makeRequest({ headers: headers.slice() }))
  assert.equal(asked.request.headers.list, ['Accept-Encoding', 'identity'])
  const off = await (await open({ askPlain: 'false' })).run(
    makeRequest({ headers: headers.slice() }),
  )
  assert.equal(off.request.headers.list, headers)
})

test('a body of 3.5 MB is changed within the 16 MiB an instance gets by default', async () => {
  const guest = await open({ replace: 'needle => thread\nhay => straw', maskDigits: '12' })
  const body = 'hay hay needle 4111111111111234 '.repeat(110_000)
  for (let i = 0; i < 5; i++) {
    const run = await guest.run(makeRequest({}), answer(body))
    assert.is(textOf(run).slice(0, 35), 'straw straw thread ************1234', guest.lines.join())
  }
  assert.ok(guest.memoryBytes <= 256 * 65_536, `${guest.memoryBytes}`)
})

test('rules that cannot be read refuse the filter', async () => {
  try {
    await open({ replace: 'no arrow', maskDigits: '3' })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_START'))
    assert.match(error.message, 'replace: "no arrow" is not "search => replacement"')
    assert.match(error.message, 'maskDigits: 0, or at least 5')
  }
})
