import { readdir, readFile, stat } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import type { GatewayOptions } from '../../host/gateway.ts'
import { WireClient } from '../http/wire.ts'
import { Cleanup, startGateway, type TestGateway, until } from '../support/gateway.ts'
import { type Pebble, startPebble } from '../support/pebble.ts'
import { authority, base64 } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('system/auto-cert', { timeoutMs: 180_000 })

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

const WAIT_MS = 60_000

/** One server with TLS, one without, and a manager of certificates for `domains`. */
function yamlOf(pebble: Pebble, domains: readonly string[], manager: object = {}): string {
  const rules = [{ paths: [{ pathPrefix: '/', backend: 'main' }] }]
  const documents = [
    {
      kind: 'AutoCertManager',
      name: 'certificates',
      email: 'admin@example.com',
      directoryURL: pebble.directoryURL,
      caCertBase64: base64(authority('ca')),
      domains: domains.map((name) => ({ name })),
      ...manager,
    },
    {
      kind: 'HTTPServer',
      name: 'server',
      address: '127.0.0.1',
      port: pebble.tlsPort,
      https: true,
      autoCert: true,
      rules,
    },
    // Nobody is let in, and no route would know the path: checks pass nevertheless.
    {
      kind: 'HTTPServer',
      name: 'plain',
      address: '127.0.0.1',
      port: pebble.httpPort,
      ipFilter: { blockByDefault: true },
      rules,
    },
    {
      kind: 'Pipeline',
      name: 'main',
      filters: [{ name: 'mock', kind: 'Mock', rules: [{ body: 'over TLS' }] }],
    },
  ]
  return documents.map((document) => JSON.stringify(document)).join('\n---\n')
}

interface Domain {
  readonly name: string
  readonly expireTime: string | null
  readonly error: string | null
}

function domainsOf(gateway: TestGateway): readonly Domain[] {
  const status = gateway.gateway.control.status().find(({ name }) => name === 'certificates')
  return (status?.detail as { readonly domains: readonly Domain[] } | undefined)?.domains ?? []
}

async function issued(gateway: TestGateway): Promise<void> {
  await until(
    () => domainsOf(gateway).every(({ expireTime }) => expireTime !== null),
    'every domain has a certificate',
    WAIT_MS,
  )
}

/** The body of an answer for a host whose certificate must be one of `root`. */
function get(port: number, host: string, root: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: host, headers: { host }, ca: root }
    const call = request({ ...options, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
      })
      response.on('end', () => resolve(body))
    })
    call.on('error', reject)
    call.end()
  })
}

function open(port: number, servername: string, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername, ca }, () => resolve(socket))
    socket.on('error', reject)
  })
}

function serialOf(socket: TLSSocket): string {
  return socket.getPeerCertificate().serialNumber
}

const NO_WATCH: Partial<GatewayOptions> = { watch: false }

for (const [kind, only] of [
  ['HTTP-01', { enableTLSALPN01: false }],
  ['TLS-ALPN-01', { enableHTTP01: false }],
] as const) {
  test(`certificates are ordered by ${kind} and served with their chain`, async () => {
    const pebble = await startPebble(cleanup)
    const yaml = yamlOf(pebble, ['one.example.com', 'two.example.com'], only)
    const gateway = await startGateway(cleanup, yaml, {}, NO_WATCH)
    const refused = await open(gateway.port, 'other.example.com', '').catch(String)
    assert.match(String(refused), /handshake failure/)
    await issued(gateway)
    const root = await pebble.root()
    assert.is(await get(gateway.port, 'one.example.com', root), 'over TLS')
    assert.is(await get(gateway.port, 'two.example.com', root), 'over TLS')
    // What is shown is kept a moment later: closing waits for that.
    await gateway.gateway.close()
    const kept = join(gateway.dir, '.penstock', 'acme')
    for (const entry of await readdir(kept, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const { mode } = await stat(join(entry.parentPath, entry.name))
      assert.is(mode & 0o777, 0o600, entry.name)
    }
  })
}

test('a restart needs no authority, and orders nothing', async () => {
  const pebble = await startPebble(cleanup)
  const dir = new Cleanup()
  cleanup.add(() => dir.run())
  const yaml = yamlOf(pebble, ['one.example.com'])
  const first = await startGateway(dir, yaml, {}, NO_WATCH)
  await issued(first)
  const root = await pebble.root()
  await first.gateway.close()
  await pebble.stop()
  const dataDir = join(first.dir, '.penstock')
  const second = await startGateway(cleanup, yaml, {}, { ...NO_WATCH, dataDir })
  assert.is(await get(second.port, 'one.example.com', root), 'over TLS')
  assert.is(domainsOf(second)[0]?.error, null)
  assert.not(second.lines.some((line) => line.includes('is ordered')))
})

test('a renewed certificate is taken over without dropping a connection', async () => {
  const pebble = await startPebble(cleanup, { validitySeconds: 16 })
  const gateway = await startGateway(cleanup, yamlOf(pebble, ['one.example.com']), {}, NO_WATCH)
  await issued(gateway)
  const root = await pebble.root()
  const socket = await open(gateway.port, 'one.example.com', root)
  const client = new WireClient(socket)
  const ask = 'GET / HTTP/1.1\r\nHost: one.example.com\r\n\r\n'
  assert.is((await client.ask(ask)).body, 'over TLS')
  const failures: string[] = []
  await until(
    async () => {
      const fresh = await open(gateway.port, 'one.example.com', root).catch((error: Error) => {
        failures.push(error.message)
        return null
      })
      const isRenewed = fresh !== null && serialOf(fresh) !== serialOf(socket)
      fresh?.destroy()
      return isRenewed
    },
    'another certificate is shown',
    WAIT_MS,
  )
  assert.equal(failures, [])
  assert.is((await client.ask(ask)).body, 'over TLS')
  assert.ok(pebble.orders() < 6, `${pebble.orders()} orders`)
  client.close()
})

test('an authority that is gone at renewal takes nothing down, and is asked less and less', async () => {
  const pebble = await startPebble(cleanup, { validitySeconds: 8 })
  const gateway = await startGateway(cleanup, yamlOf(pebble, ['one.example.com']), {}, NO_WATCH)
  await issued(gateway)
  await pebble.stop()
  await until(
    () => domainsOf(gateway)[0]?.error !== null,
    'the status says why it was not renewed',
    WAIT_MS,
  )
  assert.match(domainsOf(gateway)[0]?.error ?? '', /ECONNREFUSED/)
  // Though it expires: whether that matters is for clients to say.
  await until(
    async () => {
      const socket = connect({
        port: gateway.port,
        host: '127.0.0.1',
        servername: 'one.example.com',
        rejectUnauthorized: false,
      })
      await new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve)
        socket.once('error', reject)
      })
      const { valid_to } = socket.getPeerCertificate()
      socket.destroy()
      return Date.parse(valid_to) < Date.now()
    },
    'the certificate has expired and is shown',
    WAIT_MS,
  )
  const tries = gateway.lines.filter((line) => line.includes('no new certificate for')).length
  assert.ok(tries <= 2, `${tries} orders that failed`)
  const kept = await readFile(join(gateway.dir, '.penstock/acme/failures.json'), 'utf8')
  assert.match(kept, /one\.example\.com/)
})

test('an order that is refused says what the authority has to say', async () => {
  const pebble = await startPebble(cleanup)
  const yaml = yamlOf(pebble, ['one.example.com'], { enableTLSALPN01: false })
  // The port the authority asks at has no server.
  const elsewhere = yaml.replace(`"port":${pebble.httpPort}`, '"port":0')
  const gateway = await startGateway(cleanup, elsewhere, {}, NO_WATCH)
  await until(() => domainsOf(gateway)[0]?.error !== null, 'the order has failed', WAIT_MS)
  assert.match(domainsOf(gateway)[0]?.error ?? '', /^http-01: .*connection refused/i)
})

test('a directory whose certificate nobody trusts is not spoken to', async () => {
  const pebble = await startPebble(cleanup)
  const yaml = yamlOf(pebble, ['one.example.com'], { caCertBase64: '' })
  const gateway = await startGateway(cleanup, yaml, {}, NO_WATCH)
  await until(() => domainsOf(gateway)[0]?.error !== null, 'the order has failed', WAIT_MS)
  assert.match(
    domainsOf(gateway)[0]?.error ?? '',
    /^localhost:\d+: its certificate is not signed by an authority that is trusted here/,
  )
  assert.is(pebble.orders(), 0)
})
