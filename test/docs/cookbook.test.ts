import { createHmac } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as runTests } from '../../host/cli/commands/test.ts'
import { validate } from '../../host/cli/commands/validate.ts'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { fakeIo, run } from '../cli/support.ts'
import { Cleanup } from '../support/gateway.ts'
import { compiled, temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { codeBlocks } from './code-blocks.ts'
import { installPenstock } from './install.ts'

const test = suite('docs/cookbook', { timeoutMs: 240_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const blocks = codeBlocks(new URL('../../docs/cookbook.md', import.meta.url))
const filters = new Map(
  blocks
    .filter(({ language, file }) => language === 'ts' && file === '')
    .map(({ text }) => [/export class (\w+)/.exec(text)?.[1] ?? '', text]),
)

const secret = 'a secret'
const json = { 'content-type': 'application/json' }

/** What each filter of the page is said to do. */
const PROMISES: Readonly<Record<string, (open: Open) => Promise<void>>> = {
  SecurityHeaders: async (open) => {
    const filter = await open()
    const upstream = { headers: { server: 'x' } }
    const { response } = await filter.request({ scheme: 'https', upstream })
    assert.equal(response.headers.toObject(), {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'strict-transport-security': 'max-age=31536000',
    })
    assert.not.ok((await filter.request()).response.headers.has('strict-transport-security'))
  },
  Maintenance: async (open) => {
    const filter = await open({ retryAfter: 60 })
    const { reply } = await filter.request()
    assert.is(reply?.status, 503)
    assert.is(reply?.headers.get('retry-after'), '60')
    assert.is((await filter.request({ path: '/health' })).result, 'next')
  },
  OldShop: async (open) => {
    const filter = await open()
    const { reply } = await filter.request({ path: '/shop/item-17' })
    assert.is(reply?.status, 308)
    assert.is(reply?.headers.get('location'), '/items/17')
    assert.is((await filter.request({ path: '/shop/item-17/more' })).result, 'next')
  },
  CleanQuery: async (open) => {
    const filter = await open()
    const query = async (path: string) => (await filter.request({ path })).request.query
    assert.is(await query('/?utm_source=a&page=2&fbclid=x&b'), 'page=2&b')
    assert.is(await query('/?utm_source=a'), '')
    assert.equal((await filter.request({ path: '/?a=1' })).requestChanges, [])
  },
  OwnPages: async (open) => {
    const filter = await open({ host: 'shop.example' })
    const send = async (origin: string, method = 'POST') =>
      (await filter.request({ method, headers: { origin } })).result
    assert.is(await send('https://shop.example'), 'next')
    assert.is(await send('https://other.example', 'GET'), 'next')
    for (const other of ['https://other.example', 'https://shop.example@other.example', 'null']) {
      assert.is(await send(other), 'replied', other)
    }
  },
  ByRegion: async (open) => {
    const filter = await open()
    const send = (body: string) => filter.request({ method: 'POST', headers: json, body })
    assert.is((await send('{"region":"us"}')).result, 'us')
    assert.is((await send('{"region":"eu"}')).result, 'next')
    assert.is((await send('{')).reply?.status, 400)
  },
  SignedUrl: async (open) => {
    const filter = await open({ secret })
    filter.clock.set('2026-01-01T00:00:00Z')
    const path = (expires: number): string => {
      const text = `/files/a.pdf\n${expires}`
      const signature = createHmac('sha256', secret).update(text).digest('hex')
      return `/files/a.pdf?expires=${expires}&signature=${signature}`
    }
    const soon = Date.UTC(2026, 0, 1) / 1000 + 60
    assert.is((await filter.request({ path: path(soon) })).result, 'next')
    const refused = [path(soon - 120), path(soon).replace('a.pdf', 'b.pdf'), '/files/a.pdf']
    for (const one of [...refused, `${path(soon)}0`, path(soon).replace(/=\w{4}\w*$/, '=zz')]) {
      assert.is((await filter.request({ path: one })).reply?.status, 403, one)
    }
  },
  PerMinute: async (open) => {
    const filter = await open()
    filter.clock.set('2026-01-01T00:00:00Z')
    for (let i = 0; i < 100; i++) assert.is((await filter.request()).result, 'next')
    assert.is((await filter.request()).reply?.status, 429)
    filter.clock.advance(60_000)
    assert.is((await filter.request()).result, 'next')
  },
  Timing: async (open) => {
    const filter = await open()
    filter.clock.set(0)
    const upstream = () => {
      filter.clock.advance(12)
      return {}
    }
    const { response } = await filter.request({ upstream })
    assert.is(response.headers.get('server-timing'), 'upstream;dur=12')
  },
  CacheRules: async (open) => {
    const filter = await open()
    const rule = async (path: string, status = 200) =>
      (await filter.request({ path, upstream: { status } })).response.headers.get('cache-control')
    assert.is(await rule('/assets/a/b.js'), 'public, max-age=31536000')
    assert.is(await rule('/'), 'no-store')
    assert.is(await rule('/assets/a.js', 404), null)
  },
  Visit: async (open) => {
    const filter = await open()
    const { response } = await filter.request({ scheme: 'https' })
    const cookie = 'visit=1; Path=/; Max-Age=86400; SameSite=Lax; HttpOnly; Secure'
    assert.is(response.headers.get('set-cookie'), cookie)
    const again = await filter.request({ headers: { cookie: 'visit=1' } })
    assert.equal(again.responseChanges, [])
  },
}

type Open = (parameters?: Readonly<Record<string, string | number>>) => Promise<TestFilter>

test('every filter of the page has a promise here, and every promise a filter', () => {
  assert.equal([...filters.keys()], Object.keys(PROMISES))
})

for (const [name, promise] of Object.entries(PROMISES)) {
  test(`${name} does what the page says`, async () => {
    const dir = await temporaryFolder(cleanup)
    await writeFile(join(dir, 'index.ts'), filters.get(name) ?? '')
    await promise((parameters = {}) => loadFilter(dir, { parameters }))
  })
}

test('the test of the page passes against its filter', async () => {
  const dir = join(await temporaryFolder(cleanup), 'timing')
  await mkdir(dir)
  await installPenstock(dir)
  await writeFile(join(dir, 'index.ts'), filters.get('Timing') ?? '')
  const files = blocks.filter(({ language, file }) => language === 'ts' && file !== '')
  assert.is(files.length, 1)
  for (const { file, text } of files) await writeFile(join(dir, file), text)
  const io = fakeIo({ cwd: dir })
  assert.is(await runTests([], io), 0, io.out() + io.err())
  assert.match(io.out(), '✔ the time of the upstream stands in the answer')
})

test('every configuration of the page is valid, and its command holds', async () => {
  const dir = await temporaryFolder(cleanup)
  await mkdir(join(dir, 'build'))
  for (const [file, name] of [
    ['timing', 'Timing'],
    ['by-region', 'ByRegion'],
  ] as const) {
    await mkdir(join(dir, file))
    await writeFile(join(dir, file, 'index.ts'), filters.get(name) ?? '')
    await writeFile(join(dir, `build/${file}.wasm`), await compiled(join(dir, file)))
  }
  const configs = blocks.filter(({ language }) => language === 'yaml')
  assert.is(configs.length, 2)
  for (const { text, line } of configs) {
    await writeFile(join(dir, 'gateway.yaml'), text)
    const io = fakeIo({ cwd: dir })
    assert.is(await validate(['gateway.yaml'], io), 0, `line ${line}: ${io.err()}`)
  }
  const commands = blocks.filter(({ language }) => language === 'sh')
  assert.is(commands.length, 1)
  for (const { text } of commands) {
    const words = text.trim().split(' ').slice(1)
    const done = await run([...words, '--duration', '0.1'], { cwd: dir })
    assert.is(done.code, 0, done.out + done.err)
  }
})
