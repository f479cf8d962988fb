import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { onePipeline, proxyTo } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/trusted-proxies')

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

async function start(server: string): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return startGateway(cleanup, onePipeline(proxyTo(upstream.url), '', server))
}

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

async function ask(
  gateway: TestGateway,
  headers: Record<string, string | string[]>,
): Promise<Seen> {
  const { status, body } = await gateway.get('/', { headers })
  return { status, headers: status === 200 ? JSON.parse(body).headers : {} }
}

const TRUSTED = 'trustedProxies: [127.0.0.1, 10.0.0.0/8, "fd00::/8"]'

test('what a client says about itself is not believed, and goes nowhere', async () => {
  const gateway = await start('ipFilter: { blockIPs: [6.6.6.6] }')
  const { status, headers } = await ask(gateway, {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
  })
  assert.is(status, 200)
  assert.is(headers['x-forwarded-for'], '127.0.0.1')
  assert.is(headers['x-forwarded-proto'], 'http')
  assert.not.equal(headers['x-forwarded-host'], 'evil')
  assert.is(headers['forwarded'], undefined)
  assert.is(headers['x-real-ip'], undefined)
})

test('a proxy that is trusted names the client: for IP filters, the log and the upstream', async () => {
  const gateway = await start(`${TRUSTED}\nipFilter: { blockIPs: [6.6.6.6] }`)
  const seen = await ask(gateway, {
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'shop.example',
    'X-Forwarded-Port': '443',
  })
  assert.is(seen.status, 200)
  assert.is(seen.headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1')
  assert.is(seen.headers['x-forwarded-proto'], 'https')
  assert.is(seen.headers['x-forwarded-host'], 'shop.example')
  assert.is(seen.headers['x-forwarded-port'], '443')
  await until(() => gateway.lines.some((line) => line.includes('203.0.113.9')), 'the access log')
  assert.is((await ask(gateway, { 'X-Forwarded-For': '6.6.6.6' })).status, 403)
})

test('addresses are read from the right: what the client wrote in front of them is dropped', async () => {
  const gateway = await start(TRUSTED)
  for (const [sent, wanted] of [
    ['6.6.6.6, 203.0.113.9', '203.0.113.9, 127.0.0.1'],
    ['6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9, 10.1.2.3, 127.0.0.1'],
    ['10.9.9.9, 10.1.2.3', '10.9.9.9, 10.1.2.3, 127.0.0.1'],
    ['6.6.6.6, not an address, 10.1.2.3', '10.1.2.3, 127.0.0.1'],
    ['6.6.6.6, ', '127.0.0.1'],
    ['', '127.0.0.1'],
    ['203.0.113.9:5050', '203.0.113.9, 127.0.0.1'],
    ['[2001:db8::1]:5050, fd00::7', '2001:db8::1, fd00::7, 127.0.0.1'],
    ['203.0.113.9\t', '203.0.113.9, 127.0.0.1'],
  ] as const) {
    const { headers } = await ask(gateway, { 'X-Forwarded-For': sent })
    assert.is(headers['x-forwarded-for'], wanted, JSON.stringify(sent))
  }
  // Several fields are one list (RFC 9110, section 5.3).
  const two = await ask(gateway, { 'X-Forwarded-For': ['6.6.6.6, 203.0.113.9', '10.1.2.3'] })
  assert.is(two.headers['x-forwarded-for'], '203.0.113.9, 10.1.2.3, 127.0.0.1')
})

test('what a trusted proxy says must be sound too', async () => {
  const gateway = await start(TRUSTED)
  const { headers } = await ask(gateway, {
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Proto': 'gopher',
    'X-Forwarded-Host': 'a/b',
    'X-Forwarded-Port': 'x',
    Forwarded: 'for=6.6.6.6',
    'X-Real-IP': '6.6.6.6',
  })
  assert.is(headers['x-forwarded-proto'], 'http')
  assert.not.equal(headers['x-forwarded-host'], 'a/b')
  for (const name of ['x-forwarded-port', 'forwarded', 'x-real-ip']) {
    assert.is(headers[name], undefined, name)
  }
})

test('xForwardedFor does not add the address a second time', async () => {
  const gateway = await start(`${TRUSTED}\nxForwardedFor: true`)
  const { headers } = await ask(gateway, { 'X-Forwarded-For': '203.0.113.9' })
  assert.is(headers['x-forwarded-for'], '203.0.113.9, 127.0.0.1')
})

test('with forwardedHeader Forwarded, that one is read and the others are dropped', async () => {
  const gateway = await start(`${TRUSTED}\nforwardedHeader: Forwarded`)
  const { headers } = await ask(gateway, {
    Forwarded:
      'for=6.6.6.6, for="[2001:db8::1]:80";proto=https;host="shop.example", For=10.1.2.3;proto=http',
    'X-Forwarded-For': '7.7.7.7',
    'X-Forwarded-Host': 'evil',
  })
  assert.is(headers['x-forwarded-for'], '2001:db8::1, 10.1.2.3, 127.0.0.1')
  assert.is(headers['x-forwarded-proto'], 'https')
  assert.is(headers['x-forwarded-host'], 'shop.example')
  assert.match(
    headers['forwarded'] ?? '',
    /^for="\[2001:db8::1\]";host="shop\.example";proto=https, for=10\.1\.2\.3;proto=http, for=127\.0\.0\.1;host="[^"]+";proto=http$/,
  )
  for (const [sent, wanted] of [
    ['for=unknown', '127.0.0.1'],
    ['for=_hidden, for=10.1.2.3', '10.1.2.3, 127.0.0.1'],
    ['for=6.6.6.6, for="203.0.113.9', '127.0.0.1'],
    ['for="a,for=6.6.6.6", for=203.0.113.9', '203.0.113.9, 127.0.0.1'],
  ] as const) {
    const seen = await ask(gateway, { Forwarded: sent })
    assert.is(seen.headers['x-forwarded-for'], wanted, sent)
  }
})
