import { Cleanup, until } from '../support/gateway.ts'
import {
  NAMED_GRANT,
  NOT_STARTING,
  namedGuest,
  OFTEN_TRAPPING,
  SLOW,
} from '../support/named-guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/rollout', { timeoutMs: 180_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FILES = {
  'plugin.wasm': namedGuest('1'),
  '2.wasm': namedGuest('2'),
  '3.wasm': namedGuest('3'),
  'trapping.wasm': namedGuest('4', { module: OFTEN_TRAPPING }),
  'slow.wasm': namedGuest('6', { module: SLOW }),
  'dead.wasm': namedGuest('5', { module: NOT_STARTING }),
}

const CODE = 'code: plugin.wasm'
const NAME = `plugin: greeter, ${NAMED_GRANT}`
const TRIAL = ['--filter', 'main/plugin', '--sticky', 'header:x-user', '--canary'] as const
const USERS = Array.from({ length: 60 }, (_, i) => `user-${i}`)

/** The users that the version on trial serves. */
async function usersOf(at: PluginGateway, version: string): Promise<string[]> {
  const found: string[] = []
  for (const user of USERS) if ((await at.version(user)) === version) found.push(user)
  return found
}

/** Requests of ever new users until something is so. */
async function serveUntil(at: PluginGateway, isTrue: () => boolean, what: string): Promise<void> {
  let count = 0
  await until(
    async () => {
      const users = Array.from({ length: 20 }, () => `load-${count++}`)
      await Promise.all(users.map((user) => at.version(user)))
      return isTrue()
    },
    what,
    60_000,
  )
}

const logged = (at: PluginGateway, text: string) => at.lines.some((line) => line.includes(text))

test('a share of the users gets the new version, keeps it when the share grows, and then all get it', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  const pushed = await at.plugin('push', '2.wasm', ...TRIAL, '20%')
  assert.is(pushed.err, '')
  assert.match(
    pushed.out,
    /^main\/plugin tries \w{12} on 20% of the clients, the others stay with /,
  )
  const few = await usersOf(at, '2')
  assert.ok(few.length > 0 && few.length < 40, String(few.length))
  assert.equal(await usersOf(at, '2'), few, 'everybody keeps their version')
  assert.is((await at.plugin('promote', 'main/plugin', '--canary', '60%')).code, 0)
  const more = await usersOf(at, '2')
  assert.ok(more.length > few.length && more.length < USERS.length, String(more.length))
  assert.ok(few.every((user) => more.includes(user)))
  assert.match((await at.plugin('ls')).out, /2\.0\.0 on 60%, (?:waiting|holding)/)
  assert.match((await at.plugin('promote', 'main/plugin')).out, 'for all clients')
  assert.equal(await usersOf(at, '2'), USERS)
  const none = await at.plugin('promote', 'main/plugin')
  assert.match(none.err, 'main/plugin has no version on trial')
})

test('both phases of a request meet the same version, also while the trial begins and ends', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  const seen = new Set<string>()
  let isOver = false
  const load = USERS.slice(0, 8).map(async (user) => {
    while (!isOver) {
      const { headers, body } = await at.get('/', { headers: { 'x-user': user } })
      seen.add(`${JSON.parse(body).headers['x-version']} then ${headers['x-version']}`)
    }
  })
  for (let i = 0; i < 4; i++) {
    await at.plugin('push', '2.wasm', ...TRIAL, '50%')
    await at.plugin('rollback', 'main/plugin')
  }
  isOver = true
  await Promise.all(load)
  assert.equal([...seen].toSorted(), ['1 then 1', '2 then 2'])
})

test('a trial is taken back by hand, and the history says who and why', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  await at.plugin('push', '2.wasm', ...TRIAL, '100%', '--reason', 'a new greeting')
  assert.is(await at.version(), '2')
  assert.is((await at.plugin('rollback', 'main/plugin', '--reason', 'not nice')).code, 0)
  assert.is(await at.version(), '1')
  const { out } = await at.plugin('inspect', 'main/plugin')
  assert.match(
    out,
    /2\.0\.0 sha256:\w{12} {2}tried on 100% of the clients, by 127\.0\.0\.1; withdrawn: not nice/,
  )
})

test('a trial goes on after a restart, with the same users', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  await at.plugin('push', '2.wasm', ...TRIAL, '40%')
  const users = await usersOf(at, '2')
  await at.gateway.close()
  const again = await startPluginGateway(cleanup, CODE, FILES, at.dataDir)
  assert.equal(await usersOf(again, '2'), users)
  const other = { ...FILES, 'other.wasm': namedGuest('6') }
  await again.gateway.close()
  const changed = await startPluginGateway(cleanup, 'code: other.wasm', other, at.dataDir)
  assert.equal(await usersOf(changed, '6'), USERS, 'it was a trial against another module')
})

test('a version that traps more often than the stable one is taken back by its gates', async () => {
  const at = await startPluginGateway(cleanup, `${CODE}, failPolicy: open`, FILES)
  await at.plugin('push', 'trapping.wasm', ...TRIAL, '50%')
  await serveUntil(at, () => logged(at, 'was rolled back'), 'the trial is taken back')
  assert.equal(await usersOf(at, '1'), USERS)
  const [plugin] = await at.gateway.control.plugins()
  assert.is(plugin?.trial, null)
  const tried = plugin?.history.find(({ version }) => version === '4.0.0')
  assert.is(tried?.by, 'gateway')
  assert.match(tried?.withdrawn ?? '', /of its calls failed, against 0% of the stable version/)
})

test('a version that takes longer is taken back by its gates', async () => {
  // Generous: that it is late is for the gates to see, not for the deadline of a call.
  const at = await startPluginGateway(cleanup, `${CODE}, timeout: 5s, cpuPerSecond: 10s`, FILES)
  await at.plugin('push', 'slow.wasm', ...TRIAL, '50%')
  await serveUntil(at, () => logged(at, 'was rolled back'), 'the trial is taken back')
  const [plugin] = await at.gateway.control.plugins()
  const tried = plugin?.history.find(({ version }) => version === '6.0.0')
  assert.match(tried?.withdrawn ?? '', /its calls run \d+\.\d\d ms on average, against/)
})

test('a version that does well is promoted when its gates have held for long enough', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  const pushed = await at.plugin('push', '2.wasm', ...TRIAL, '50%', '--promote-after', '1s')
  assert.is(pushed.err, '')
  await serveUntil(at, () => logged(at, 'was promoted'), 'the trial is promoted')
  assert.equal(await usersOf(at, '2'), USERS)
  const [plugin] = await at.gateway.control.plugins()
  assert.match(plugin?.history.at(-1)?.reason ?? '', /^its gates held for \d+ s$/)
})

test('a version that cannot start is refused, and nobody sees it', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  const dead = await at.plugin('push', 'dead.wasm', ...TRIAL, '50%')
  assert.is(dead.code, 1)
  assert.match(dead.err, 'the new module of main/plugin is refused')
  assert.equal(await usersOf(at, '1'), USERS)
  assert.is((await at.gateway.control.plugins())[0]?.trial, null)
})

test('a stored plugin is tried in every filter that follows its name', async () => {
  const at = await startPluginGateway(cleanup, NAME, FILES)
  await at.plugin('push', 'plugin.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  const way = ['--sticky', 'header:x-user', '--canary', '30%'] as const
  const pushed = await at.plugin('push', '2.wasm', ...way)
  assert.match(pushed.out, 'is tried on 30% of the clients in main; the others stay with 1.0.0')
  const users = await usersOf(at, '2')
  assert.ok(users.length > 0 && users.length < USERS.length, String(users.length))
  assert.match((await at.plugin('rm', 'greeter@2.0.0')).err, 'it is on trial')
  assert.match((await at.plugin('ls', '--stored')).out, '2.0.0 on 30%')
  await at.gateway.close()
  const again = await startPluginGateway(cleanup, NAME, FILES, at.dataDir)
  assert.equal(await usersOf(again, '2'), users)
  assert.match((await again.plugin('promote', 'greeter')).out, 'greeter runs 2.0.0 now in main')
  assert.equal(await usersOf(again, '2'), USERS)
  await again.plugin('push', '3.wasm', ...way)
  assert.is((await again.plugin('rollback', 'greeter')).out, 'greeter is back at 2.0.0 in main\n')
  assert.equal(await usersOf(again, '2'), USERS)
})

test('a stored version on trial that traps is taken back by itself', async () => {
  const at = await startPluginGateway(cleanup, NAME, FILES)
  await at.plugin('push', 'plugin.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  await at.plugin('push', 'trapping.wasm', '--canary', '50%', '--sticky', 'header:x-user')
  await serveUntil(at, () => logged(at, 'the trial of greeter was rolled back'), 'it is taken back')
  assert.equal(await usersOf(at, '1'), USERS)
  const { out } = await at.plugin('inspect', 'greeter')
  assert.match(out, /4\.0\.0, withdrawn: .*of its requests ended in a 5xx, against 0% of the/)
})

test('what is wrong with a trial is said before anything is changed', async () => {
  const at = await startPluginGateway(cleanup, CODE, FILES)
  const cases: [argv: string[], message: string][] = [
    [['--canary', '0%'], '"0%" is no share'],
    [['--canary', '5%', '--sticky', 'ip'], '"ip" is no way to stick'],
    [['--canary', '5%', '--promote-after', 'soon'], '"soon" is no time after which to promote'],
    [['--sticky', 'client'], 'give canary too'],
  ]
  for (const [argv, message] of cases) {
    const { code, err } = await at.plugin('push', '2.wasm', '--filter', 'main/plugin', ...argv)
    assert.match(err, message)
    assert.is(code, 1)
  }
  const same = await at.plugin('push', 'plugin.wasm', ...TRIAL, '5%')
  assert.match(same.err, 'main/plugin runs this module already')
  assert.equal(await usersOf(at, '1'), USERS)
})
