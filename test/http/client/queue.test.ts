import { isGatewayError } from '../../../host/errors.ts'
import { Body } from '../../../host/exchange/body.ts'
import { HTTP_ENGINES } from '../../../host/http/engines.ts'
import { CLIENT_TUNING } from '../../../host/http/native/client-pool.ts'
import { MAX_WAITING_CALLS } from '../../../host/http/node/client.ts'
import { answerOf } from '../../../host/http/promised-answer.ts'
import { Cleanup, startUpstream, until } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('http/client/queue', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('both engines let as many calls wait for a connection', () => {
  assert.is(CLIENT_TUNING.maxWaiting, MAX_WAITING_CALLS)
})

for (const engine of HTTP_ENGINES) {
  test(`with all connections in use and the queue full a call fails at once (${engine.name})`, async () => {
    const silent = await startUpstream(cleanup, () => undefined)
    const client = engine.createClient({
      origin: silent.url,
      connectTimeoutMs: 30_000,
      maxConnections: 1,
    })
    const codes: string[] = []
    const send = (): void => {
      const request = { method: 'GET', target: '/', host: 'x', headers: [], body: Body.none }
      answerOf(client, request, 0, null).catch((error: unknown) => {
        codes.push(isGatewayError(error) ? `${error.code}: ${error.message}` : String(error))
      })
    }
    cleanup.add(() => client.close())
    cleanup.add(() => silent.server.closeAllConnections())
    send()
    await until(() => silent.requests.length === 1, 'the call that has the connection', 20_000)
    for (let i = 0; i < MAX_WAITING_CALLS; i++) send()
    assert.equal(codes, [])
    send()
    await until(() => codes.length > 0, 'the refusal of the one that is too many', 20_000)
    assert.is(codes.length, 1)
    assert.match(codes[0] ?? '', /^UPSTREAM_CONNECT: .*all 1 connections are in use$/)
  })
}
