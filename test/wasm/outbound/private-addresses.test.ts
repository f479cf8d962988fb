import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { Errno } from '../../../host/wasm/limits.ts'
import { CallDesk } from '../../../host/wasm/outbound/call-desk.ts'
import { Cleanup, startUpstream } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/outbound/private-addresses', { timeoutMs: 60_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

test('a private address is denied, however it is written and whatever the grant lists (X23)', async () => {
  const { port, requests } = await startUpstream(cleanup)
  const hosts = [
    ...[
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '0x7f.1',
      '2130706433',
      '017700000001',
      '0.0.0.0',
      '127.0.0.1.',
    ],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[fe80::1]'],
    ...['169.254.169.254', '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '[fd00::1]'],
    ...['localhost', 'LOCALHOST'],
  ]
  const denied: string[] = []
  const desk = new CallDesk({
    functions: new Map(),
    namesOf: () => ({ plugin: 'p', pipeline: 'main', filter: 'f' }),
    isOwnListener: () => false,
    onDenied: (_, what) => void denied.push(what),
    onFunctionFailed: () => undefined,
  })
  cleanup.add(() => desk.close())
  for (const host of hosts) {
    const { hostname } = new URL(`http://${host}/`)
    // The grant lists it in every form; only `allowPrivate` would help.
    const outbound = [host, hostname, `${host}:${port}`, `${hostname}:${port}`]
    const grant = { ...LOCAL_GRANT, outbound, allowPrivate: false }
    // What the desk looks at of a setup.
    const setup = { id: 1, name: 'p', grant } as unknown as PluginSetup
    const head = `GET http://${host}:${port}/`
    const ask = { kind: 'http', head, body: new Uint8Array(0), timeoutMs: 5_000 } as const
    const answer = await desk.call(setup, ask, { requestId: 'r-1' }, null)
    assert.is(answer.code, Errno.denied, `${host}: ${answer.code} ${answer.head}`)
  }
  assert.is(denied.length, hosts.length)
  for (const url of [
    'unix:/run/admin.sock',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    '//127.0.0.1/',
  ]) {
    const setup = { id: 1, name: 'p', grant: LOCAL_GRANT } as unknown as PluginSetup
    const ask = { kind: 'http', head: `GET ${url}`, body: new Uint8Array(0), timeoutMs: 0 } as const
    assert.is((await desk.call(setup, ask, { requestId: 'r-1' }, null)).code, Errno.invalid, url)
  }
  assert.equal(requests, [])
})
