import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { GuardedClient } from '../../../host/http/guarded-client.ts'
import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { type Grant, LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { defineHostCall, type HostCall, hostCallsByName } from '../../../host/wasm/host-call.ts'
import { Errno } from '../../../host/wasm/limits.ts'
import { CallDesk } from '../../../host/wasm/outbound/call-desk.ts'
import type { GuestAnswer, GuestAsk } from '../../../host/wasm/outbound/guest-ask.ts'
import { OUTBOUND_LIMITS } from '../../../host/wasm/outbound/outbound-limits.ts'
import { Cleanup, startUpstream, until } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/outbound/call-desk', { timeoutMs: 60_000 })
let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const NO_BYTES = new Uint8Array(0)

interface Desk {
  readonly desk: CallDesk
  readonly denied: string[]
  readonly failed: string[]
  ask(ask: GuestAsk, signal?: AbortSignal): Promise<GuestAnswer>
  get(url: string, timeoutMs?: number): Promise<GuestAnswer>
}

function deskOf(
  grant: Partial<Grant>,
  functions: readonly HostCall[] = [],
  ownPorts: readonly number[] = [],
): Desk {
  const denied: string[] = []
  const failed: string[] = []
  const desk = new CallDesk({
    functions: hostCallsByName(functions),
    namesOf: () => ({ plugin: 'p', pipeline: 'main', filter: 'f' }),
    isOwnListener: (_, port) => ownPorts.includes(port),
    onDenied: (_, what) => void denied.push(what),
    onFunctionFailed: (_, name) => void failed.push(name),
  })
  cleanup.add(() => desk.close())
  // What the desk looks at of a setup.
  const setup = { id: 1, name: 'p', grant: { ...LOCAL_GRANT, ...grant } } as unknown as PluginSetup
  const ask = (what: GuestAsk, signal: AbortSignal | null = null) =>
    desk.call(setup, what, { requestId: 'r-1' }, signal)
  return {
    desk,
    denied,
    failed,
    ask,
    get: (url, timeoutMs = 0) =>
      ask({ kind: 'http', head: `GET ${url}`, body: NO_BYTES, timeoutMs }),
  }
}

test('a call carries what the guest wrote, and brings status, fields and body back', async () => {
  const upstream = await startUpstream(cleanup)
  const { ask } = deskOf({ outbound: [`127.0.0.1:${upstream.port}`], allowPrivate: true })
  const answer = await ask({
    kind: 'http',
    head: `PUT ${upstream.url}/a?b=c\nx-a: 1`,
    body: Buffer.from('größe'),
    timeoutMs: 0,
  })
  assert.is(answer.code, 200)
  assert.match(answer.head, /content-type: application\/json\n/i)
  const seen = JSON.parse(Buffer.from(answer.body).toString())
  assert.equal(
    [seen.method, seen.url, seen.body, seen.headers['x-a']],
    ['PUT', '/a?b=c', 'größe', '1'],
  )
})

test('an answer that is late, too large, broken or not there is an error of its own (X26, X33)', async () => {
  const large = Buffer.alloc(OUTBOUND_LIMITS.answerBytes + 1)
  const upstream = await startUpstream(cleanup, ({ url }, response) => {
    if (url === '/large') response.end(large)
    else if (url === '/head')
      response.setHeader('x-long', 'x'.repeat(15_000)).setHeader('x-more', 'x'.repeat(9_000)).end()
    else if (url === '/cut') response.socket?.destroy()
    // Anything else gets no answer.
  })
  const silent = createTcpServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  await new Promise((resolve) => silent.close(resolve))
  const { get } = deskOf({
    outbound: [`127.0.0.1:${upstream.port}`, `127.0.0.1:${port}`],
    allowPrivate: true,
  })
  assert.is((await get(`${upstream.url}/slow`, 50)).code, Errno.timedOut)
  assert.is((await get(`${upstream.url}/large`)).code, Errno.tooLarge)
  assert.is((await get(`${upstream.url}/head`)).code, Errno.unavailable)
  assert.is((await get(`${upstream.url}/cut`)).code, Errno.unavailable)
  assert.is((await get(`http://127.0.0.1:${port}/`)).code, Errno.unavailable)
})

test('hosts, private addresses and our own listeners are denied, whoever asks', async () => {
  const upstream = await startUpstream(cleanup)
  const host = `127.0.0.1:${upstream.port}`
  const none = deskOf({})
  assert.is((await none.get(upstream.url)).code, Errno.denied)
  const strict = deskOf({ outbound: [host, `localhost:${upstream.port}`] })
  assert.is((await strict.get(upstream.url)).code, Errno.denied)
  const byName = await strict.get(`http://localhost:${upstream.port}/`)
  assert.is(byName.code, Errno.denied)
  assert.match(byName.head, /private address/)
  const own = deskOf({ outbound: [host], allowPrivate: true }, [], [upstream.port])
  assert.match((await own.get(upstream.url)).head, /is a listener of this gateway/)
  assert.equal([none.denied, strict.denied, own.denied].flat(), Array(4).fill('outbound'))
  assert.equal(upstream.requests, [])
})

test('an address is checked again where it is connected to (X24)', async () => {
  const upstream = await startUpstream(cleanup)
  let looked = 0
  const client = new GuardedClient({
    // The look-up is let through, as it would be when the name meant another address then.
    guard: () => (++looked === 1 ? null : 'it moved'),
    connectTimeoutMs: 1_000,
    keepAliveMs: 1_000,
    connections: 1,
    maxHeadBytes: 16_384,
  })
  cleanup.add(() => client.close())
  const answer = await client.send(
    {
      method: 'GET',
      url: new URL(upstream.url),
      headers: [],
      body: NO_BYTES,
      timeoutMs: 5_000,
      maxBodyBytes: 100,
    },
    null,
  )
  assert.equal(answer, { kind: 'refused', reason: 'it moved' })
  assert.equal(upstream.requests, [])
})

test('no more calls of a filter wait at once than the limit says (X26)', async () => {
  const upstream = await startUpstream(cleanup, () => undefined)
  const { get, desk } = deskOf({ outbound: [`127.0.0.1:${upstream.port}`], allowPrivate: true })
  const calls = Array.from({ length: OUTBOUND_LIMITS.inFlight + 1 }, () =>
    get(upstream.url, 20_000),
  )
  assert.match((await calls.at(-1))?.head ?? '', /calls of the filter are under way/)
  await desk.close()
  const codes = (await Promise.all(calls)).map(({ code }) => code)
  assert.equal([...new Set(codes)], [Errno.unavailable])
})

test('a call nobody waits for any more is cut', async () => {
  let isCut = false
  const upstream = await startUpstream(cleanup, (request) => {
    request.on('close', () => {
      isCut = true
    })
  })
  const { ask } = deskOf({ outbound: [`127.0.0.1:${upstream.port}`], allowPrivate: true })
  const abort = new AbortController()
  const what: GuestAsk = { kind: 'http', head: `GET ${upstream.url}`, body: NO_BYTES, timeoutMs: 0 }
  const answer = ask(what, abort.signal)
  await until(() => upstream.requests.length === 1, 'the call has arrived')
  abort.abort()
  assert.is((await answer).code, Errno.unavailable)
  await until(() => isCut, 'the connection is cut')
})

test('a function answers, fails, is late or gives too much; each is told apart', async () => {
  const base = { description: 'x', maxBytes: 10, timeoutMs: 200 } as const
  const functions = [
    defineHostCall({ ...base, name: 'upper', format: 'text', call: (text) => text.toUpperCase() }),
    defineHostCall({
      ...base,
      name: 'sum',
      format: 'json',
      parse(value): number[] {
        if (!Array.isArray(value)) throw new Error('numbers, please')
        return value.map(Number)
      },
      call: (numbers) => numbers.reduce((sum, one) => sum + one, 0),
    }),
    defineHostCall({
      ...base,
      name: 'late',
      format: 'bytes',
      call: () => new Promise(() => undefined),
    }),
    defineHostCall({ ...base, name: 'long', format: 'text', call: () => 'x'.repeat(11) }),
  ]
  const desk = deskOf({ functions: ['upper', 'sum', 'late', 'long', 'gone'] }, functions)
  const call = (name: string, text: string): Promise<GuestAnswer> =>
    desk.ask({ kind: 'function', name, argument: Buffer.from(text) })
  const answered = async (name: string, text: string): Promise<string> => {
    const { code, head, body } = await call(name, text)
    return `${code} ${head}${Buffer.from(body).toString()}`
  }
  assert.is(await answered('upper', 'größe'), '0 GRÖSSE')
  assert.is(await answered('sum', '[1,2]'), '0 3')
  assert.is(await answered('sum', '7'), `${Errno.failed} numbers, please`)
  assert.is((await call('late', '')).code, Errno.timedOut)
  assert.is((await call('long', '')).code, Errno.tooLarge)
  assert.is((await call('upper', 'x'.repeat(11))).code, Errno.tooLarge)
  assert.is((await call('gone', '')).code, Errno.denied)
  assert.equal([desk.failed, desk.denied], [['sum'], ['functions gone']])
})
