import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Cleanup } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { pair } from '../support/pki.ts'
import { startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/plugin-sources', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const MODULE = versionGuest('1')
const SHA256 = createHash('sha256').update(MODULE).digest('hex')
const OTHER = 'ab'.repeat(32)

interface ModuleServer {
  readonly url: string
  /** Paths it was asked for. */
  readonly asked: string[]
  close(): Promise<void>
}

/** `/module.wasm` is the module, `/moved` leads there, `/away` leads to a host that is no loopback. */
async function serveModule(): Promise<ModuleServer> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    if (path === '/module.wasm') response.end(MODULE)
    else if (path === '/moved') response.writeHead(302, { location: '/module.wasm' }).end()
    else if (path === '/away') {
      response.writeHead(302, { location: 'http://192.0.2.1/module.wasm' }).end()
    } else if (path === '/circle') response.writeHead(302, { location: '/circle' }).end()
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  cleanup.add(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close }
}

const fields = (url: string, sha256: string) => `code: "${url}", sha256: "${sha256}"`

test('a module from a URL is got once, and after a restart nobody is asked for it', async () => {
  const server = await serveModule()
  const code = fields(`${server.url}/module.wasm`, SHA256.toUpperCase())
  const at = await startPluginGateway(cleanup, code)
  assert.is(await at.version(), '1')
  await at.gateway.control.reloadCode()
  await at.gateway.close()
  await server.close()
  const again = await startPluginGateway(cleanup, code, {}, at.dataDir)
  assert.is(await again.version(), '1')
  assert.equal(server.asked, ['/module.wasm'])
})

test('a module that is not the one that is known is not run, and the message has both digests', async () => {
  const server = await serveModule()
  const at = await startPluginGateway(cleanup, fields(`${server.url}/module.wasm`, OTHER))
  assert.is((await at.get('/')).status, 503)
  const line = at.lines.find((text) => text.includes('another module than the configuration wants'))
  assert.match(line ?? '', `its sha256 is ${SHA256}, not ${OTHER}`)
  await at.gateway.reload()
  assert.is(server.asked.length, 1, 'and it is not asked for again at once')
})

test('whoever serves a module by https must have a certificate that is trusted', async () => {
  const server = createSecureServer(pair('localhost'), (_, response) => void response.end(MODULE))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const at = await startPluginGateway(cleanup, fields(`https://localhost:${port}/x.wasm`, SHA256))
  assert.is((await at.get('/')).status, 503)
  const line = at.lines.find((text) => text.includes('starts without a plugin'))
  assert.match(line ?? '', /cannot read the code https:.*certificate/)
})

test('sha256 holds for files too', async () => {
  const files = { 'plugin.wasm': MODULE }
  const right = await startPluginGateway(cleanup, fields('plugin.wasm', SHA256), files)
  assert.is(await right.version(), '1')
  const wrong = await startPluginGateway(cleanup, fields('plugin.wasm', OTHER), files)
  assert.is((await wrong.get('/')).status, 503)
})

test('redirects are followed where the URL itself could lead, a few times', async () => {
  const server = await serveModule()
  const moved = await startPluginGateway(cleanup, fields(`${server.url}/moved`, SHA256))
  assert.is(await moved.version(), '1')
  const reasons = {
    '/away': 'it leads to http://192.0.2.1/module.wasm, which is not https',
    '/circle': 'more than 3 redirects',
    '/none': 'it answered 404',
  }
  for (const [path, reason] of Object.entries(reasons)) {
    const at = await startPluginGateway(cleanup, fields(server.url + path, SHA256))
    assert.is((await at.get('/')).status, 503)
    assert.ok(
      at.lines.some((line) => line.includes(reason)),
      path,
    )
  }
})
