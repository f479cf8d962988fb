import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  CertificateAuthority,
  ChallengeKind,
  OrderOutcome,
} from '../../host/acme/authority.ts'
import { AutoCertificates } from '../../host/acme/auto-certificates.ts'
import { CertificateManager, type ManagerSettings } from '../../host/acme/certificate-manager.ts'
import { CertificateStore } from '../../host/acme/certificate-store.ts'
import { validityOf } from '../../host/acme/managed-domain.ts'
import { isGatewayError } from '../../host/errors.ts'
import { createLogger } from '../../host/observe/log.ts'
import { Cleanup } from '../support/gateway.ts'
import { pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('acme/certificate-manager')

const MINUTE = 60_000
const DAY = 24 * 3_600_000

const DIRECTORY = 'https://ca.test/directory'

const SETTINGS: ManagerSettings = {
  directoryURL: DIRECTORY,
  email: 'admin@example.com',
  renewBeforeMs: 30 * DAY,
  kinds: ['http-01', 'tls-alpn-01'],
  domains: ['localhost'],
}

const ISSUED: OrderOutcome = { isIssued: true, ...pair('localhost') }
const RENEWED: OrderOutcome = { isIssued: true, ...pair('renewed') }
const REFUSED: OrderOutcome = { isIssued: false, reason: 'no', retryAfterMs: null }

/** Answers what a test gives it. */
class TestAuthority implements CertificateAuthority {
  readonly orders: { domain: string; kinds: readonly ChallengeKind[] }[] = []
  next: OrderOutcome | Promise<OrderOutcome> = ISSUED
  signal: AbortSignal | null = null

  async issue(
    domain: string,
    kinds: readonly ChallengeKind[],
    signal: AbortSignal,
  ): Promise<OrderOutcome> {
    this.orders.push({ domain, kinds })
    this.signal = signal
    return await this.next
  }
}

let cleanup: Cleanup
let dir: string
let nowMs: number
let authority: TestAuthority
let certificates: AutoCertificates
let lines: string[]

test.before.each(async () => {
  cleanup = new Cleanup()
  dir = await mkdtemp(join(tmpdir(), 'penstock-acme-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  nowMs = Date.parse('2030-01-01T00:00:00Z')
  authority = new TestAuthority()
  certificates = new AutoCertificates()
  certificates.addServer({ isPlain: true, isAutomatic: true })
  lines = []
})

test.after.each(() => cleanup.run())

/** A manager whose time is looked at when a test says so. */
async function open(settings: Partial<ManagerSettings> = {}): Promise<CertificateManager> {
  const manager = await CertificateManager.open(
    { ...SETTINGS, ...settings },
    {
      store: new CertificateStore(dir),
      authority,
      certificates,
      clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
      log: createLogger({
        level: 'debug',
        destination: { write: (line: string) => void lines.push(line) },
        pretty: false,
      }),
      random: () => 0,
    },
  )
  cleanup.add(() => manager.close())
  return manager
}

async function check(manager: CertificateManager): Promise<void> {
  manager.check()
  await manager.idle()
}

/** The manager `manager` was, with its certificates shown. */
async function opened(settings: Partial<ManagerSettings> = {}): Promise<CertificateManager> {
  const manager = await open(settings)
  manager.start()
  await check(manager)
  return manager
}

test('what is missing is ordered, shown, and kept for its owner alone', async () => {
  const manager = await open()
  assert.is(manager.status().health, 'no valid certificate for localhost')
  manager.start()
  await check(manager)
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
  assert.equal(manager.status(), {
    health: '',
    domains: [
      {
        name: 'localhost',
        expireTime: '2126-10-29T19:32:35Z',
        nextTryTime: '2126-09-29T19:32:35Z',
        error: null,
      },
    ],
  })
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const { mode } = await stat(join(entry.parentPath, entry.name))
    assert.is(mode & 0o777, 0o600, entry.name)
    assert.not.match(entry.name, /tmp/)
  }
})

test('a start with what is kept orders nothing', async () => {
  await (await opened()).close()
  assert.is(certificates.pairFor('localhost'), null)
  const manager = await opened()
  assert.is(certificates.pairFor('localhost')?.key, pair('localhost').key)
  assert.is(manager.status().health, '')
  assert.is(authority.orders.length, 1)
})

test('a certificate is renewed before its end and replaced at once', async () => {
  const manager = await opened()
  const { untilMs } = validityOf(pair('localhost').cert)
  nowMs = untilMs - 30 * DAY - 1
  await check(manager)
  assert.is(authority.orders.length, 1)
  authority.next = RENEWED
  nowMs += 1
  await check(manager)
  assert.is(authority.orders.length, 2)
  assert.is(certificates.pairFor('localhost')?.cert, pair('renewed').cert)
})

test('a failure leaves what is shown, tries the other kind, and waits longer each time', async () => {
  const manager = await opened()
  const { untilMs } = validityOf(pair('localhost').cert)
  authority.next = REFUSED
  nowMs = untilMs - 30 * DAY
  authority.orders.length = 0
  for (const waitMs of [10_000, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE]) {
    await check(manager)
    const orders = authority.orders.length
    nowMs += waitMs - 1
    await check(manager)
    assert.is(authority.orders.length, orders, 'not before its time')
    nowMs += 1
  }
  assert.equal(
    authority.orders.map(({ kinds }) => kinds.join(' ')),
    ['http-01 tls-alpn-01', 'tls-alpn-01 http-01', 'http-01 tls-alpn-01', 'tls-alpn-01 http-01'],
  )
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
  assert.is(manager.status().domains[0]?.error, 'no')
  assert.ok(
    lines.some((line) => line.includes('no; the former one is valid until 2126-10-29T19:32:35Z')),
  )
  nowMs = untilMs + DAY
  await check(manager)
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
  assert.is(manager.status().health, 'no valid certificate for localhost')
  authority.next = RENEWED
  nowMs += DAY
  await check(manager)
  assert.is(manager.status().domains[0]?.error, null)
})

test('a restart does not shorten the wait, and other settings end it', async () => {
  authority.next = { isIssued: false, reason: 'too many', retryAfterMs: 60 * MINUTE }
  await (await opened()).close()
  const again = await opened()
  assert.is(authority.orders.length, 1)
  assert.is(again.status().domains[0]?.error, 'too many')
  assert.is(again.status().domains[0]?.nextTryTime, '2030-01-01T01:00:00Z')
  await again.close()
  authority.next = ISSUED
  await opened({ email: 'other@example.com' })
  assert.is(authority.orders.length, 2)
})

test('a wait that a wrong clock has written does not last forever', async () => {
  authority.next = REFUSED
  const right = nowMs
  nowMs += 1_000 * DAY
  await (await opened()).close()
  nowMs = right
  const manager = await opened()
  nowMs += 2 * DAY
  authority.next = ISSUED
  await check(manager)
  assert.is(authority.orders.length, 2)
})

test('an order that ends in a mistake of ours is not made again at once', async () => {
  const manager = await open()
  manager.start()
  authority.next = Promise.reject(new Error('a mistake'))
  await check(manager)
  await check(manager)
  assert.is(authority.orders.length, 1)
  assert.ok(lines.some((line) => line.includes('a mistake')))
  authority.next = ISSUED
  nowMs += 10 * MINUTE
  await check(manager)
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
})

test('without a server that could answer nothing is ordered', async () => {
  certificates = new AutoCertificates()
  const manager = await opened()
  assert.is(authority.orders.length, 0)
  certificates.addServer({ isPlain: false, isAutomatic: true })
  await check(manager)
  assert.equal(authority.orders[0]?.kinds, ['tls-alpn-01', 'http-01'])
})

test('one order at a time, and each domain gets its own', async () => {
  const manager = await opened({ domains: ['localhost', 'b.test', 'c.test'] })
  let settle: (outcome: OrderOutcome) => void = () => undefined
  authority.next = new Promise((resolve) => {
    settle = resolve
  })
  manager.check()
  manager.check()
  assert.equal(
    authority.orders.map(({ domain }) => domain),
    ['localhost', 'b.test'],
  )
  settle(REFUSED)
  await manager.idle()
  authority.next = ISSUED
  await check(manager)
  assert.is(authority.orders[2]?.domain, 'c.test')
})

test('what another authority has signed is shown until this one has', async () => {
  await (await opened()).close()
  authority.next = REFUSED
  await opened({ directoryURL: 'https://other.test/directory' })
  assert.is(authority.orders.length, 2)
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
})

test('a kept certificate that cannot be used is ordered again', async () => {
  await (await opened()).close()
  const path = join(dir, 'acme', 'certificates', 'localhost.json')
  const kept = JSON.parse(await readFile(path, 'utf8')) as object
  for (const broken of [
    '{"direc',
    JSON.stringify({ ...kept, key: pair('exact').key }),
    JSON.stringify({ ...kept, ...pair('exact') }),
  ]) {
    await writeFile(path, broken)
    const orders = authority.orders.length
    await (await opened()).close()
    assert.is(authority.orders.length, orders + 1)
  }
  assert.ok(lines.some((line) => line.includes('it is not for localhost')))
})

test('an order that is under way when it closes is given up, and is no failure', async () => {
  const manager = await open()
  manager.start()
  authority.next = new Promise((resolve) => {
    const poll = setInterval(() => {
      if (authority.signal?.aborted !== true) return
      clearInterval(poll)
      resolve({ isIssued: false, reason: 'aborted', retryAfterMs: null })
    }, 1)
  })
  manager.check()
  await manager.close()
  assert.not(lines.some((line) => line.includes('no new certificate')))
  authority.next = ISSUED
  await opened()
  assert.is(authority.orders.length, 2)
})

test('where nothing can be kept nothing is ordered', async () => {
  await writeFile(join(dir, 'file'), '')
  const store = new CertificateStore(join(dir, 'file'))
  const error = await store.open().catch((refused: unknown) => refused)
  assert.ok(isGatewayError(error, 'ACME_STORE'))
})

test('a certificate that could not be kept is shown nevertheless, and the log says so', async () => {
  const manager = await open()
  manager.start()
  await writeFile(join(dir, 'acme', 'certificates'), 'in the way')
  await check(manager)
  assert.is(certificates.pairFor('localhost')?.cert, pair('localhost').cert)
  assert.ok(lines.some((line) => line.includes('a restart will order it again')))
})
