import { Cleanup } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

// How WebSockets open, pass frames and end is tried in test/gateway/websocket-*.test.ts.
const test = suite('filters/websocket-proxy')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const NOWHERE = 'pools: [{ servers: [{ url: "ws://127.0.0.1:1" }] }]'

const filters = (fields: string): string => `- { name: sockets, kind: WebSocketProxy, ${fields} }
- { name: jumped, kind: Mock, rules: [{ body: jumped }] }`

const flow = (result: string): string =>
  `- { filter: sockets, jumpIf: { ${result}: jumped } }\n- filter: END\n- filter: jumped`

const UPGRADE = {
  headers: {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  },
}

test('a request for no WebSocket is clientError, and a server that is not there is internalError', async () => {
  const plain = await startPipeline(cleanup, filters(NOWHERE), flow('clientError'))
  assert.is((await plain.get('/')).body, 'jumped')
  const away = await startPipeline(cleanup, filters(NOWHERE), flow('internalError'))
  assert.is((await away.get('/', UPGRADE)).body, 'jumped')
})

test('pools must have servers, one of them takes what the others do not, and sessions are refused', async () => {
  assert.equal(await refusal(cleanup, filters('pools: [{ servers: [] }]')), [
    'a pool needs `servers`, `discovery` or `serviceName`',
  ])
  const pool = '{ servers: [{ url: "ws://a:1" }] }'
  assert.equal(await refusal(cleanup, filters(`pools: [${pool}, ${pool}]`)), [
    'another pool has no `filter` already: only one takes what the others do not',
  ])
  const sticky =
    '{ servers: [{ url: "ws://a:1" }], loadBalance: { stickySession: { mode: DurationBased } } }'
  assert.match(
    (await refusal(cleanup, filters(`pools: [${sticky}]`))).join('; '),
    'sticky sessions',
  )
  assert.match(
    (await refusal(cleanup, filters('pools: [{ servers: [{ url: "ftp://a" }] }]'))).join('; '),
    'must be a URL such as ws://127.0.0.1:9095',
  )
})
