import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { test as runTests } from '../../host/cli/commands/test.ts'
import { runDev } from '../../host/cli/dev/dev.ts'
import { type FakeIo, fakeIo } from '../cli/support.ts'
import { installPenstock } from '../docs/install.ts'
import { fetchFrom, type GetOptions, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'

/** The compiler and a browser have to start, on a machine that may be busy. */
const test = suite('system/inspector', { timeoutMs: 120_000 })

const SCREENSHOT = join(import.meta.dirname, '../../docs/inspector.png')

const PLUGIN = `import { Filter, Request, Response, log } from '@penstock/sdk'

/** Turns a session into headers that upstreams understand. */
export class Session extends Filter {
  onRequest(request: Request): void {
    const cookie = request.headers.get('cookie')
    if (cookie === null) throw new Error('a request without a session')
    const parts = cookie.split('=')
    log.info(\`session \${parts[1].toString()} is of tenant acme\`)
    request.headers.remove('cookie')
    request.headers.set('x-tenant', 'acme')
    request.headers.set('x-session', parts[1])
    request.setPath('/v2' + request.path.toString())
  }

  onResponse(response: Response): void {
    response.headers.set('cache-control', 'private, max-age=60')
  }
}
`

const CONFIG = `kind: HTTPServer
name: shop
port: 0
address: 127.0.0.1
rules:
  - paths:
      - pathPrefix: /
        backend: orders
---
kind: Pipeline
name: orders
filters:
  - name: session
    kind: WasmHost
    code: build/session.wasm
    # The machine may be busy.
    timeout: 20s
  - name: defaults
    kind: RequestAdaptor
    header:
      set: { x-region: eu-west, accept: application/json }
  - name: upstream
    kind: Proxy
    pools:
      - servers:
          - url: http://127.0.0.1:UPSTREAM
`

let folder = ''
let io: FakeIo
let running: Promise<number>
let upstream: Server
let browser: Browser
let context: BrowserContext
let page: Page
let port = 0
let address = ''
/** What the page asked for, and what it complained about. */
const asked: string[] = []
const complaints: string[] = []

test.before(async () => {
  upstream = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.setHeader('cache-control', 'no-store')
      const order = { id: 42, state: 'packed', lines: [{ item: 'lamp', count: 2 }], total: '37.80' }
      setTimeout(() => response.end(JSON.stringify(order)), 12)
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  folder = await mkdtemp(join(tmpdir(), 'penstock-inspector-'))
  await mkdir(join(folder, 'session'))
  await writeFile(join(folder, 'session/index.ts'), PLUGIN)
  const upstreamPort = (upstream.address() as AddressInfo).port
  await writeFile(
    join(folder, 'session/gateway.yaml'),
    CONFIG.replace('UPSTREAM', String(upstreamPort)),
  )
  io = fakeIo({ cwd: folder })
  running = runDev({ folder: 'session', config: null, inspectorPort: 0 }, io)
  await until(() => /Ctrl-C stops/.test(io.out()), 'it runs', 90_000)
  port = Number(/shop +http:\/\/127\.0\.0\.1:(\d+)/.exec(io.out())?.[1])
  address = /http:\S+\/ui\/#key=\S+/.exec(io.out())?.[0] ?? ''
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})
test.after(async () => {
  await browser?.close()
  io?.signal('SIGINT')
  assert.is(await running, 0)
  upstream?.close()
  await rm(folder, { recursive: true, force: true })
})

test.before.each(async () => {
  asked.length = 0
  complaints.length = 0
  context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 2,
    colorScheme: 'light',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  page = await context.newPage()
  page.on('request', (request) => asked.push(request.url()))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(address)
  await page.getByText('live', { exact: true }).waitFor()
})
test.after.each(async () => {
  await context.close()
})

const COOKIE = { headers: { cookie: 'session=7f3a', 'accept-language': 'en' } }

const send = (path: string, options: GetOptions = COOKIE) => fetchFrom(port, path, options)

/** The text of the rows with changes, `before | after`. */
async function changes(title: 'Request' | 'Response'): Promise<string[]> {
  const rows = page.getByRole('region', { name: title }).locator('tr.changed, tr.added, tr.removed')
  return await rows.evaluateAll((found) =>
    found.map((row) => [...row.children].map((cell) => String(cell.textContent)).join(' | ')),
  )
}

test('a request appears by itself, and what each filter changed stands side by side', async () => {
  await send('/orders/42?verbose=1')
  const entry = page.getByRole('button', { name: '/orders/42?verbose=1' }).first()
  await entry.click()
  const tabs = page.getByRole('tab')
  await until(
    async () => (await tabs.count()) === 6,
    'both ends, three filters and one response phase',
  )
  // In their order, each with its time.
  const rows = await tabs.evaluateAll((found) =>
    found.map((row) => [
      row.querySelector('.name')?.textContent ?? '',
      row.querySelector('.time')?.textContent ?? '',
    ]),
  )
  assert.equal(
    rows.map(([name]) => name),
    ['Received', '→ session', '→ defaults', '→ upstream', '← session', 'Sent'],
  )
  for (const [name, time] of rows.slice(1, -1))
    assert.match(time ?? '', /^[\d.,]+ ?(?:µs|us|ms|s)$/, name)
  // The first filter that changed something is shown.
  assert.match((await page.getByRole('tab', { selected: true }).textContent()) ?? '', 'session')
  assert.equal(await changes('Request'), [
    '/orders/42 | /v2/orders/42',
    'cookie: session=7f3a | ',
    ' | x-tenant: acme',
    ' | x-session: 7f3a',
  ])
  await page.getByText('session 7f3a is of tenant acme').waitFor()
  await page.getByRole('tab', { name: /defaults/ }).click()
  assert.equal(await changes('Request'), [' | x-region: eu-west', ' | accept: application/json'])
  await page.getByRole('tab', { name: /session.*← |← .*session/ }).click()
  assert.equal(await changes('Response'), [
    'cache-control: no-store | cache-control: private, max-age=60',
  ])
  await page.getByRole('tab', { name: /Sent/ }).click()
  await page.getByText('"state": "packed"').waitFor()
  await page.getByRole('tab', { name: /Received/ }).click()
  await page.getByText('cookie: session=7f3a').waitFor()
})

test('the list can be filtered, paused and worked by keyboard alone', async () => {
  await send('/first')
  await send('/second', { method: 'POST', body: '{"a":1}', ...COOKIE })
  await send('/third')
  const entries = page.locator('.entry')
  await page.locator('.entry', { hasText: '/third' }).first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('post /second')
  assert.is(await entries.count(), 1)
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  assert.is(await entries.first().getAttribute('aria-current'), 'true')
  await page.getByRole('tab').first().waitFor()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  assert.match((await page.getByRole('tab', { selected: true }).textContent()) ?? '', 'upstream')
  await page.getByRole('searchbox').fill('')
  await page.getByRole('button', { name: 'Pause' }).click()
  const before = await entries.count()
  await send('/while-paused')
  await page.getByText('paused, 1 waiting').waitFor()
  assert.is(await entries.count(), before)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.locator('.entry', { hasText: '/while-paused' }).waitFor()
})

test('replay sends the request again, and curl gives the same request', async () => {
  await send('/orders/replayed')
  await page.locator('.entry', { hasText: '/orders/replayed' }).click()
  const entries = page.locator('.entry', { hasText: '/orders/replayed' })
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await page.getByText('Sent again').waitFor()
  await until(async () => (await entries.count()) === 2, 'the replay is in the list')
  await page.getByText('Replay of').waitFor()
  await page.getByRole('button', { name: 'Copy as curl' }).click()
  await page.getByText('Copied as curl').waitFor()
  // In the page's own words: this file knows no browser types.
  const text = String(await page.evaluate('navigator.clipboard.readText()'))
  assert.match(text, `http://127.0.0.1:${port}/orders/replayed`)
  assert.match(text, "-H 'cookie: session=7f3a'")
})

test('a trap shows its message, the line of the source and its stack', async () => {
  const answer = await send('/orders/1', {})
  assert.is(answer.status, 503)
  await page.locator('.entry', { hasText: '/orders/1' }).first().click()
  const failure = page.getByRole('region', { name: 'Failure' })
  await failure.waitFor()
  const text = (await failure.textContent()) ?? ''
  assert.match(text, 'a request without a session')
  assert.match(text, /session\/index\.ts:7:\d+/)
  assert.match(
    (await failure.locator('.here').textContent()) ?? '',
    "if (cookie === null) throw new Error('a request without a session')",
  )
  await page.getByRole('combobox', { name: /filter had this result/ }).selectOption('failed')
  assert.ok((await page.locator('.entry').count()) >= 1)
})

test('a test is made of a request, lies in the plugin folder, and passes', async () => {
  await send('/orders/tested')
  await page.locator('.entry', { hasText: '/orders/tested' }).click()
  await page.getByRole('tab', { selected: true }).waitFor()
  await page.getByRole('button', { name: 'Make this a test' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('recorded-get-orders-tested.test.ts').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).click()
  const names = await readdir(join(folder, 'session'))
  assert.ok(names.includes('recorded-get-orders-tested.test.ts'))
  const written = await readFile(join(folder, 'session/recorded-get-orders-tested.test.ts'), 'utf8')
  assert.match(written, "result.request.headers.get('x-tenant'), 'acme'")
  await installPenstock(join(folder, 'session'))
  const tested = fakeIo({ cwd: join(folder, 'session') })
  assert.is(await runTests([], tested), 0, tested.out() + tested.err())
  assert.match(tested.out(), '✔ GET /orders/tested gives next')
})

test('a compile error is shown on the page until it is mended', async () => {
  await writeFile(join(folder, 'session/index.ts'), PLUGIN.replace('remove(', 'drop('))
  const alert = page.getByRole('alert')
  await alert.waitFor({ timeout: 30_000 })
  assert.match((await alert.textContent()) ?? '', /index\.ts does not compile/)
  await page.getByText("request.headers.drop('cookie')").waitFor()
  await writeFile(join(folder, 'session/index.ts'), PLUGIN)
  await alert.waitFor({ state: 'detached', timeout: 30_000 })
})

test('the key leaves the address, and without it the page asks for one', async () => {
  assert.is(new URL(page.url()).hash, '')
  const other = await context.newPage()
  await other.goto(address.replace(/#.*/, ''))
  await other.getByLabel('Address or key').fill(address)
  await other.getByRole('button', { name: 'Look inside' }).click()
  await other.getByText('live', { exact: true }).waitFor()
  await other.close()
})

test('the page asks nobody but the gateway, and breaks no rule of its policy', async () => {
  await send('/orders/42')
  await page.locator('.entry', { hasText: '/orders/42' }).first().click()
  await page.getByRole('tab').first().waitFor()
  const { origin } = new URL(address)
  assert.equal(
    asked.filter((url) => new URL(url).origin !== origin),
    [],
  )
  assert.not.ok(asked.some((url) => url.includes('key=') && !url.includes('#')))
  assert.equal(complaints, [])
  await page.emulateMedia({ colorScheme: 'dark' })
  const back = 'getComputedStyle(document.body).backgroundColor'
  assert.is(await page.evaluate(back), 'rgb(15, 20, 25)')
})

test('the screenshot of the documents', async () => {
  await page.getByRole('button', { name: 'Clear' }).click()
  await page.getByText('No request yet').waitFor()
  await send('/orders')
  await send('/orders', { method: 'POST', body: '{"item":"lamp"}', ...COOKIE })
  await send('/health', {})
  await send('/orders/41')
  await send('/orders/42?verbose=1', {
    headers: { ...COOKIE.headers, accept: 'text/html', 'user-agent': 'Mozilla/5.0' },
  })
  const entry = page.locator('.entry', { hasText: '/orders/42' })
  await entry.click()
  await page.getByRole('tab', { name: /→ session/ }).click()
  await page.getByText('session 7f3a is of tenant acme').waitFor()
  await page.mouse.move(1_279, 799)
  // Every run takes it; only one that is asked to changes the checkout.
  const isWritten = process.env['PENSTOCK_WRITE_DOCS'] === '1'
  const image = await page.screenshot(isWritten ? { path: SCREENSHOT } : {})
  assert.ok(image.length > 50_000, String(image.length))
})
