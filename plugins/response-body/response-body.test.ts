import { isGatewayError } from '../../host/errors.ts'
import { type HeadersInit, loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/response-body', { timeoutMs: 120_000 })

const open = (
  parameters: Readonly<Record<string, string>>,
  fuel = 200_000_000,
): Promise<TestFilter> => loadFilter(new URL('.', import.meta.url), { parameters, fuel })

const HTML = { 'content-type': 'text/html' }

/** What the client gets of a body the upstream sent. */
async function changed(
  filter: TestFilter,
  body: string,
  headers: HeadersInit = HTML,
  status = 200,
): Promise<string> {
  const { response, error } = await filter.request({ upstream: { status, headers, body } })
  assert.is(error, null)
  return response.text()
}

test('every occurrence is replaced, rule after rule, UTF-8 included', async () => {
  const filter = await open({ replace: 'Colour => Color\nColor => Hue\nfür => für alle\n</p> =>' })
  assert.is(await changed(filter, '<p>Colour, Colour; für</p>'), '<p>Hue, Hue; für alle')
})

test('a changed answer loses what spoke of its old bytes', async () => {
  const filter = await open({ replace: 'a => b' })
  const headers = {
    'Content-Type': 'TEXT/HTML; charset=utf-8',
    ETag: '"1"',
    'Accept-Ranges': 'bytes',
    X: '1',
  }
  const one = await filter.request({ upstream: { headers, body: 'a' } })
  assert.equal(one.responseChanges, ['- ETag: "1"', '- Accept-Ranges: bytes', 'body: 1 -> 1 bytes'])
  const other = await filter.request({ upstream: { headers, body: 'c' } })
  assert.equal(other.responseChanges, [])
})

test('compressed, partial, other and nameless content passes unchanged', async () => {
  const filter = await open({ replace: 'a => b' })
  assert.is(await changed(filter, 'aaa', { ...HTML, 'content-encoding': 'gzip' }), 'aaa')
  assert.is(await changed(filter, 'aaa', { 'content-type': 'image/png' }), 'aaa')
  assert.is(await changed(filter, 'aaa', {}), 'aaa')
  assert.is(await changed(filter, 'aaa', HTML, 206), 'aaa')
  const identity = { 'content-type': 'application/json', 'content-encoding': 'Identity' }
  assert.is(await changed(filter, 'aaa', identity), 'bbb')
})

test('types may end in a star', async () => {
  const filter = await open({ replace: 'a => b', types: 'text/*, application/xml' })
  assert.is(await changed(filter, 'a', { 'content-type': 'text/css' }), 'b')
  assert.is(await changed(filter, 'a', { 'content-type': 'application/xml' }), 'b')
  assert.is(await changed(filter, 'a', { 'content-type': 'application/json' }), 'a')
})

test('long numbers are masked but for their last four digits', async () => {
  const filter = await open({ maskDigits: '12' })
  assert.is(await changed(filter, 'card 4111 1111 1111 1234.'), 'card **** **** **** 1234.')
  assert.is(await changed(filter, 'card 4111-1111-1111-1234'), 'card ****-****-****-1234')
  assert.is(await changed(filter, '123456789012'), '********9012')
  const short = '12345678901 and 2026-11-22 10:00'
  assert.is(await changed(filter, short), short)
})

test('bytes that are no text stay what they are', async () => {
  const filter = await open({ replace: 'a => b' })
  const body = Uint8Array.of(0x61, 0xff, 0x00, 0x80, 0x61)
  const { response } = await filter.request({ upstream: { headers: HTML, body } })
  assert.equal([...response.bytes()], [0x62, 0xff, 0x00, 0x80, 0x62])
})

test('the upstream is asked for plain text unless that is off', async () => {
  const headers = { 'Accept-Encoding': 'gzip, br' }
  const asked = await (await open({})).request({ headers })
  assert.equal(asked.request.headers.all('accept-encoding'), ['identity'])
  const off = await (await open({ askPlain: 'false' })).request({ headers })
  assert.equal(off.requestChanges, [])
})

test('a body of 3.5 MB is changed within the 16 MiB an instance gets by default', async () => {
  const parameters = { replace: 'needle => thread\nhay => straw', maskDigits: '12' }
  // Half a million occurrences take more fuel than a call has by default.
  const filter = await open(parameters, 2_000_000_000)
  const body = 'hay hay needle 4111111111111234 '.repeat(110_000)
  for (let i = 0; i < 5; i++) {
    const text = await changed(filter, body)
    assert.is(text.slice(0, 35), 'straw straw thread ************1234')
  }
  assert.ok(filter.memoryBytes <= 256 * 65_536, `${filter.memoryBytes}`)
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

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ replace: 'a => bb', maskDigits: '12' })
  const leak = await filter.leakCheck((i) => ({
    upstream: {
      headers: HTML,
      body: `a card 4111 1111 1111 ${1000 + (i % 9000)} ${'a'.repeat(i % 300)}`,
    },
  }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
