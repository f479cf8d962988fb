import { runCli } from '../../host/cli/main.ts'
import { fakeIo } from '../cli/support.ts'
import { easegressGuest } from '../support/easegress-guest.ts'
import {
  Cleanup,
  type GetOptions,
  startGateway,
  startUpstream,
  type TestGateway,
  type TestUpstream,
} from '../support/gateway.ts'
import { onePipeline, proxyTo } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/easegress', { timeoutMs: 120_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

interface Setup {
  /** Where the guest runs. */
  readonly isolation?: 'worker' | 'inline'
  /** Fields of the filter beside its code, as YAML of one line. */
  readonly fields?: string
  readonly flow?: string
  /** Filters beside the guest and the proxy, as YAML of one line each. */
  readonly others?: readonly string[]
  readonly upstream?: Parameters<typeof startUpstream>[1]
  /** With an admin API. */
  readonly admin?: boolean
}

interface Rig extends TestGateway {
  readonly upstream: TestUpstream
  /** What the upstream was asked. */
  ask(path: string, options?: GetOptions): Promise<ReturnType<typeof JSON.parse>>
}

/** A pipeline of an Easegress guest and a proxy. */
async function start(guest: string, setup: Setup = {}): Promise<Rig> {
  const upstream = await startUpstream(cleanup, setup.upstream)
  const isolation = setup.isolation ?? 'worker'
  const started = await startGateway(
    cleanup,
    onePipeline(
      `  - { name: guest, kind: WasmHost, code: guest.wasm, isolation: ${isolation}${setup.fields ?? ', timeout: 2s'} }
${proxyTo(upstream.url)}${(setup.others ?? []).map((one) => `  - ${one}`).join('\n')}`,
      setup.flow,
    ),
    { 'guest.wasm': await easegressGuest(guest) },
    // The bound on waiting has tests of its own; here the machine may be busy.
    {
      watch: false,
      dataWaitMs: 10_000,
      admin: setup.admin === true ? { address: '127.0.0.1', port: 0 } : null,
    },
  )
  const ask: Rig['ask'] = async (path, options) =>
    JSON.parse((await started.get(path, options)).body)
  return { ...started, upstream, ask }
}

for (const isolation of ['worker', 'inline'] as const) {
  test(`a guest reads and changes every part of a request, ${isolation}`, async () => {
    const { ask } = await start('headers', {
      isolation,
      fields: ', timeout: 2s, parameters: { prefix: "präfix 1", other: x }',
    })
    const { method, url, headers } = await ask('/a%20b/%C3%BC?q=%20', {
      headers: { 'x-many': ['one', 'two'], 'x-gone': '1', 'X-Upper': 'kept' },
    })
    assert.is(method, 'PUT')
    assert.is(url, '/new%20path/%C3%BC?a=b%20c&d=%20')
    assert.is(headers.host, 'other.example:81')
    assert.is(Buffer.from(headers['x-prefix'], 'latin1').toString('utf8'), 'präfix 1')
    assert.is(headers['x-ip'], '127.0.0.1')
    assert.is(headers['x-scheme'], 'http')
    assert.is(headers['x-proto'], 'HTTP/1.1')
    assert.is(headers['x-method'], 'GET')
    assert.is(headers['x-path'], encodeURIComponent('/a b/ü'))
    assert.is(headers['x-escaped'], '/a%20b/%C3%BC')
    assert.is(headers['x-query'], 'q=%20')
    assert.match(headers['x-host'], /^(?:127\.0\.0\.1|localhost):\d+$/)
    assert.is(headers['x-fragment'], '[]')
    assert.is(headers['x-first'], 'one')
    assert.is(headers['x-absent'], '[]')
    assert.is(headers['x-many'], 'one, two, three')
    assert.is(headers['x-gone'], undefined)
    assert.is(headers['x-upper'], 'kept')
    assert.is(headers['x-after'], 'PUT /new%20path/%C3%BC')
    assert.match(headers['x-all'], /^\d+$/)
  })

  test(`cookies are read, added and set, ${isolation}`, async () => {
    const { ask, get } = await start('cookies', {
      isolation,
      flow: 'flow: [{ filter: guest, jumpIf: { wasmResult1: proxy } }, { filter: proxy }]',
    })
    const known = await ask('/', { headers: { cookie: 'a=1; session=abc; b="two words"' } })
    assert.is(known.headers['x-session'], 'session=abc')
    assert.is(known.headers['x-cookies'], 'a=1|session=abc|b="two words"')
    assert.is(known.headers.cookie, 'a=1; session=abc; b="two words"')
    const fresh = await ask('/', { headers: { cookie: 'a=1' } })
    assert.is(fresh.headers.cookie, 'a=1; session=new')
    assert.is(fresh.headers['x-session'], '')
    // The proxy keeps the fields of a response that stood there before its own.
    const answer = await get('/')
    assert.is(answer.status, 200)
    assert.equal(answer.headers['set-cookie'], ['session=new; Path=/; HttpOnly'])
  })

  test(`a body of a request is read and replaced whole, ${isolation}`, async () => {
    const { ask } = await start('body', { isolation })
    for (const body of ['hello', '', 'x'.repeat(60_000)]) {
      const seen = await ask('/', { method: 'POST', body })
      assert.is(seen.body, body.toUpperCase())
    }
  })

  test(`after a proxy a guest reads and replaces the response, ${isolation}`, async () => {
    const { get } = await start('body', {
      isolation,
      fields: ', timeout: 2s, parameters: { response: "yes" }',
      flow: 'flow: [{ filter: proxy }, { filter: guest }]',
      upstream: (incoming, outgoing) => {
        incoming.resume()
        outgoing.setHeader('content-type', 'text/plain')
        outgoing.end('from upstream')
      },
    })
    const answer = await get('/', { method: 'POST', body: 'x'.repeat(100_000) })
    assert.is(answer.status, 201)
    assert.is(answer.body, 'FROM UPSTREAM')
    assert.match(String(answer.headers['x-saw']), /^200 text\/plain \d+ 13$/)
  })

  test(`shared data counts over requests and instances, with tags and logs, ${isolation}`, async () => {
    const { get, lines, gateway } = await start('counter', {
      isolation,
      flow: 'flow: [{ filter: guest }]',
    })
    assert.is((await get('/')).body, '1||0.5|0|15.0|0|2|true')
    assert.is((await get('/')).body, '2|1 grüße|1.0|1|30.0|0|2|true')
    // Parameters or code may change: the data stays.
    await gateway.reload()
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/')))
    const calls = answers.map(({ body }) => Number(body.split('|')[0])).sort((a, b) => a - b)
    assert.equal(
      calls,
      Array.from({ length: 20 }, (_, i) => i + 3),
    )
    const access = lines.map((line) => JSON.parse(line)).filter((one) => one.msg === 'request')
    assert.match(access[1].tags, 'call 2')
    assert.ok(lines.some((line) => line.includes('"counted 1"')))
  })
}

test('results 1 to 9 jump, 0 goes on, anything else and a trap are wasmError', async () => {
  const mock = (name: string, code: number): string =>
    `{ name: ${name}, kind: Mock, rules: [{ code: ${code} }] }`
  const { get } = await start('results', {
    fields: ', timeout: 1s',
    flow: `flow:
  - filter: guest
    jumpIf: { wasmResult1: one, wasmResult9: nine, wasmError: failed }
  - filter: proxy
  - filter: END
  - filter: one
  - filter: END
  - filter: nine
  - filter: END
  - filter: failed`,
    others: [mock('one', 291), mock('nine', 299), mock('failed', 290)],
  })
  const status = async (result: string): Promise<number> =>
    (await get('/', { headers: { 'x-result': result } })).status
  assert.is(await status('0'), 200)
  assert.is(await status('1'), 291)
  assert.is(await status('9'), 299)
  // No jump names it: the flow ends there, without a response.
  assert.is(await status('5'), 503)
  for (const result of ['10', '-1', 'trap', 'loop']) assert.is(await status(result), 290, result)
  assert.is(await status('0'), 200)
})

test('a flash sale lets through as many users as there are permits, and keeps its word', async () => {
  const refuse = '{ name: refuse, kind: Mock, rules: [{ code: 429 }] }'
  const flow = `flow:
  - filter: guest
    jumpIf: { wasmResult1: refuse, wasmResult2: refuse, wasmResult3: refuse }
  - filter: proxy
  - filter: END
  - filter: refuse`
  const sale = (startTime: number, blockRatio: number): Promise<Rig> =>
    start('flash-sale', {
      fields: `, timeout: 2s, maxConcurrency: 4, parameters: { startTime: "${startTime}", blockRatio: "${blockRatio}", maxPermission: "5" }`,
      flow,
      others: [refuse],
    })
  const buy = async ({ get }: Rig, user: number): Promise<number> =>
    (await get('/', { headers: { 'x-user': `u${user}` } })).status

  const early = await sale(Date.now() + 3_600_000, 0)
  assert.is(await buy(early, 1), 429)

  const open = await sale(Date.now() - 1_000, 0)
  const users = Array.from({ length: 30 }, (_, user) => user)
  const first = await Promise.all(users.map((user) => buy(open, user)))
  assert.is(first.filter((status) => status === 200).length, 5)
  const again = await Promise.all(users.map((user) => buy(open, user)))
  assert.equal(again, first)
  assert.is(open.upstream.requests.length, 10)

  const unlucky = await sale(Date.now() - 1_000, 1)
  assert.is(await buy(unlucky, 1), 429)
})

test('shared data is listed, written and deleted, and code is read again, by command', async () => {
  const { dir, gateway, get, write } = await start('counter', {
    flow: 'flow: [{ filter: guest }]',
    admin: true,
  })
  const penstock = async (line: string): Promise<string> => {
    const io = fakeIo({
      cwd: dir,
      env: {
        PENSTOCK_SERVER: `http://127.0.0.1:${gateway.adminPort}`,
        PENSTOCK_DATA_DIR: `${dir}/.penstock`,
      },
    })
    const code = await runCli(line.split(' '), io)
    return code === 0 ? io.out() : `${code} ${io.err()}`
  }
  await get('/')
  const listed = await penstock('wasm list-data main guest')
  assert.is(
    listed,
    'bytes: "/w=="\ncalls: "1"\nfloat: "0.5"\n"number:f": "5"\n"number:i": "10"\ntext: "1 grüße"\n',
  )
  await write('data.yaml', 'calls: 41\n')
  assert.is(await penstock('wasm apply-data main guest -f data.yaml'), '1 written to main/guest\n')
  assert.match((await get('/')).body, /^42\|/)
  assert.is(await penstock('wasm reload-code'), 'no code has changed\n')
  await write('guest.wasm', await easegressGuest('results'))
  assert.match(await penstock('wasm reload-code'), /^reloaded main \(\d+ ms\)\n$/)
  assert.is((await get('/', { headers: { 'x-result': '4' } })).status, 503)
  // The data is the filter's, whatever code it runs.
  assert.match(await penstock('wasm list-data main guest'), 'calls: "42"')
  assert.is(await penstock('wasm delete-data main guest'), '6 deleted from main/guest\n')
  await write('guest.wasm', 'no module')
  assert.match(await penstock('wasm reload-code'), /^1 error: /)
  assert.match(await penstock('wasm list-data main proxy'), /^1 error: .*no plugin/)
})
