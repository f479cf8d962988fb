import { until } from '../../support/gateway.ts'
import { assert } from '../../support/suite.ts'
import { GET } from '../server-suite.ts'
import { forEachProxy, OK } from '../upstream-suite.ts'

/** What an upstream sends, and what the client may see of it. "cut" is a connection that ends in the middle. */
const ANSWERS: readonly (readonly [
  name: string,
  bytes: string,
  outcome: number | 'cut',
  ends?: boolean,
])[] = [
  ['U04 a body that ends early', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'cut', true],
  [
    'U05 chunks that end early',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
    'cut',
    true,
  ],
  ['U10 a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 502],
  ['U11 another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc', 502, true],
  ['U18 a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['U20 a status past 599', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['a status below 100', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['U22 binary garbage', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1', 502],
  ['U23 NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n', 502],
  ['U25 line ends of LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502],
  ['U26 a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n', 502],
  [
    'U28 five thousand fields',
    `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}Content-Length: 0\r\n\r\n`,
    502,
  ],
  ['a header past 64 KiB', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 502],
  [
    'U32 an extension of 64 KiB',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;${'e'.repeat(65_536)}\r\nhello\r\n0\r\n\r\n`,
    502,
  ],
  ['U36 a long reason', `HTTP/1.1 200 ${'r'.repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`, 502],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc', 502],
  [
    'length and chunks',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n',
    502,
  ],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502],
  ['another version', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 502],
  ['another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 502],
  ['seventeen interim answers', 'HTTP/1.1 103 Early\r\n\r\n'.repeat(17) + OK, 502],
  ['an end before any byte', '', 502, true],
  ['an end in the head', 'HTTP/1.1 200 OK\r\nContent-', 502, true],
]

forEachProxy('bad-answers', (test, { upstream, proxy, start }) => {
  for (const [name, bytes, outcome, ends = false] of ANSWERS) {
    test(`${name}: ${outcome === 'cut' ? 'the answer does not look whole' : outcome}`, async () => {
      const client = await start((socket) => {
        socket.write(bytes, 'latin1')
        if (ends) socket.end()
      })
      client.write(GET)
      if (outcome === 'cut') {
        await client.ended()
        assert.not.ok(client.received.includes('\r\n0\r\n'))
        assert.is(await client.answer(), null)
      } else assert.is((await client.answer())?.status, outcome)
      await until(() => upstream().sockets.size === 0, 'its connection is closed')
    })
  }

  test('U01, U02: what follows an answer is dropped with its connection', async () => {
    const client = await start((socket, _, index) => {
      socket.write(index === 0 ? `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : OK)
    })
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is((await client.ask(GET)).body, 'ok')
    assert.is(upstream().accepted, 2)
  })

  test('503 when nobody listens', async () => {
    const client = await start(() => undefined)
    await upstream().close()
    assert.is((await client.ask(GET)).status, 503)
    assert.equal(proxy().errors, ['UPSTREAM_CONNECT'])
  })
})
