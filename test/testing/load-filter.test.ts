import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, isGatewayError } from '../../host/errors.ts'
import { type FilterRequest, loadFilter, type TestFilter } from '../../host/testing.ts'
import { Cleanup } from '../support/gateway.ts'
import { compiledFixture, temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { pluginFolder } from '../toolchain/support.ts'

const test = suite('testing/load-filter', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const echo = async (options: Parameters<typeof loadFilter>[1] = {}): Promise<TestFilter> => {
  const parameters = { must: 'm', ...options.parameters }
  return loadFilter(await compiledFixture('sdk/assembly/echo'), { ...options, parameters })
}

const asking = (action: string, more: FilterRequest = {}): FilterRequest => ({
  ...more,
  headers: { 'x-do': action, ...more.headers },
})

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await work
    return null
  } catch (error) {
    return isGatewayError(error) ? error.code : null
  }
}

test('a request that goes on reaches the upstream with what the filter changed', async () => {
  const filter = await echo()
  const run = await filter.request(asking('rewrite', { path: '/x?y' }))
  assert.is(run.result, 'next')
  assert.is(run.error, null)
  assert.ok(run.reachedUpstream)
  assert.equal([run.request.method, run.request.path, run.request.query], ['PUT', '/v2/x', 'a=1'])
  assert.equal(run.requestChanges, [
    'method: GET -> PUT',
    'path: /x -> /v2/x',
    'query: y -> a=1',
    '+ x-seen: PUT /v2/x a=1',
  ])
  assert.is(run.response.status, 200)
  assert.equal(run.responseChanges, [])
})

test('the upstream answers what it was told, and the response phase changes it', async () => {
  const filter = await echo()
  const upstream = { status: 201, headers: { server: 'x' }, body: 'banana' }
  const run = await filter.request(asking('response', { path: '/p', upstream }))
  assert.is(run.response.status, 299)
  assert.is(Buffer.from(run.response.bytes()).toString('latin1'), 'bänänä')
  assert.equal(run.response.headers.toObject(), { server: 'x', 'x-status': '201', 'x-path': '/p' })
  assert.equal(run.responseChanges, [
    'status: 201 -> 299',
    '+ x-status: 201',
    '+ x-path: /p',
    'body: 6 -> 6 bytes',
  ])
})

test('an upstream that is a function sees the changed request', async () => {
  const filter = await echo()
  const run = await filter.request(
    asking('body', { method: 'POST', body: 'größer', upstream: (seen) => ({ body: seen.text() }) }),
  )
  assert.is(run.response.text(), 'größer!')
  assert.equal(run.requestChanges.at(-1), 'body: 8 -> 9 bytes')
  const gone = await filter.request({ upstream: null })
  assert.is(gone.response.status, 503)
  assert.ok(gone.reachedUpstream)
})

test('what the upstream function throws is thrown', async () => {
  const filter = await echo()
  const upstream = (): never => {
    throw new RangeError('mine')
  }
  const error = await filter.request({ upstream }).catch((thrown: unknown) => thrown)
  assert.instance(error, RangeError)
})

test('a reply is what the client gets, and the upstream is not asked', async () => {
  const filter = await echo()
  const run = await filter.request(asking('reply'))
  assert.is(run.result, 'replied')
  assert.not.ok(run.reachedUpstream)
  assert.is(run.reply, run.response)
  assert.is(run.reply?.status, 418)
  assert.is(run.reply?.text(), 'tea für zwei')
  assert.equal(run.reply?.headers.all('X-Two'), ['a', 'b'])
  assert.is((await filter.request()).reply, null)
})

test('a result ends the flow unless a jump leads to the upstream', async () => {
  const filter = await echo()
  assert.equal(filter.results, ['first', 'second'])
  const ended = await filter.request(asking('result1'))
  assert.equal([ended.result, ended.reachedUpstream, ended.response.status], ['first', false, 503])
  const jumped = await filter.request(asking('result1', { jumps: ['first'] }))
  assert.equal(
    [jumped.result, jumped.reachedUpstream, jumped.response.status],
    ['first', true, 200],
  )
})

test('a failure has its reason, changes nothing, and the next request is served', async () => {
  const filter = await echo()
  const run = await filter.request(asking('denied'))
  assert.is(run.result, 'wasmError')
  assert.match(run.error ?? '', 'content-length: not granted, or it belongs to the host')
  assert.equal(run.requestChanges, [])
  assert.is(run.response.status, 503)
  assert.is((await filter.request(asking('result2'))).result, 'second')
})

test('a failure in the response phase takes the answer away and says why', async () => {
  const filter = await echo()
  const run = await filter.request(asking('late'))
  assert.is(run.result, 'next')
  assert.match(run.error ?? '', 'x-late: not possible in this phase')
  assert.is(run.response.status, 503)
})

test('logs and ctx data of all phases are kept, each request its own', async () => {
  const filter = await echo()
  const logged = await filter.request(asking('log'))
  assert.equal(logged.logs, ['debug: one', 'info: zwölf', 'warn: three', 'error: four'])
  const done = await filter.request(asking('done', { path: '/end', upstream: { status: 204 } }))
  assert.equal(done.logs, ['info: /end 204'])
  const kept = await filter.request(asking('context', { headers: { 'user-agent': 'curl' } }))
  assert.equal(kept.context, { string: 'größer ≥ 日本', text: 'curl', number: '42' })
  const tagged = await filter.request(asking('response-result'))
  assert.equal(tagged.tags, ['echo(first)'])
})

test('data a filter before this one left can be given', async () => {
  const filter = await echo()
  const run = await filter.request(asking('context', { context: { other: 'x' } }))
  assert.is(run.context['other'], 'x')
  assert.is(run.response.text(), 'größer ≥ 日本')
})

test('the clock stands where it was set and moves when told', async () => {
  const filter = await echo({ now: '2026-01-02T03:04:05Z' })
  const now = async (): Promise<number> =>
    Number((await filter.request(asking('fields'))).request.headers.get('x-now'))
  assert.is(await now(), Date.UTC(2026, 0, 2, 3, 4, 5))
  assert.is(await now(), Date.UTC(2026, 0, 2, 3, 4, 5))
  filter.clock.advance(1_500)
  assert.is(await now(), Date.UTC(2026, 0, 2, 3, 4, 6, 500))
  filter.clock.set(new Date(0))
  assert.is(await now(), 0)
  const before = Date.now()
  const real = await (await echo()).request(asking('fields'))
  assert.ok(Number(real.request.headers.get('x-now')) >= before)
})

test('every field of the request is what the test says', async () => {
  const filter = await echo()
  const { request } = await filter.request(
    asking('fields', {
      method: 'PATCH',
      path: '/a?b',
      host: 'api.example',
      scheme: 'https',
      protocol: '2',
      clientAddress: '::1',
    }),
  )
  const names = ['method', 'path', 'query', 'host', 'scheme', 'protocol', 'client', 'route']
  assert.equal(
    names.map((name) => request.headers.get(`x-${name}`)),
    ['PATCH', '/a', 'b', 'api.example', 'https', '2', '::1', 'test-pipeline'],
  )
  assert.is(request.headers.get('host'), 'api.example')
})

test('headers may be pairs, and one name may have several values', async () => {
  const filter = await echo()
  const pairs = await filter.request({
    headers: [
      ['A', '1'],
      ['b', '2'],
      ['a', '3'],
    ],
  })
  assert.equal(pairs.request.headers.entries.slice(1), [
    ['A', '1'],
    ['b', '2'],
    ['a', '3'],
  ])
  const many = await filter.request({ headers: { a: ['1', '2'] } })
  assert.equal(many.request.headers.all('A'), ['1', '2'])
  assert.equal(many.request.headers.toObject()['a'], '1, 2')
})

test('what no client could send is refused before the filter sees it', async () => {
  const filter = await echo()
  const wrong: FilterRequest[] = [
    { method: 'G T' },
    { path: 'x' },
    { path: '/a b' },
    { headers: { 'a b': '1' } },
    { headers: { a: '1\r\nb: 2' } },
    { upstream: { status: 99 } },
  ]
  for (const init of wrong) {
    assert.is(await codeOf(filter.request(init)), 'TESTING_INPUT', JSON.stringify(init))
  }
})

test('parameters are checked as a gateway checks them', async () => {
  const wasm = await compiledFixture('sdk/assembly/echo')
  assert.is(await codeOf(loadFilter(wasm)), 'GUEST_PARAMETERS')
  assert.is(await codeOf(echo({ parameters: { count: 13 } })), 'GUEST_START')
  const filter = await echo({ parameters: { count: 5, on: false } })
  const { request } = await filter.request(asking('parameters'))
  assert.is(request.headers.get('x-parameters'), 'fallback|m|5|0.5|false')
})

test('forgetting the instance keeps what belongs to a request', async () => {
  const filter = await echo()
  const run = filter.request(
    asking('context', {
      upstream: () => {
        filter.forget()
        return {}
      },
    }),
  )
  assert.is((await run).response.text(), 'größer ≥ 日本')
})

test('with little fuel a loop ends, with reset nothing is remembered', async () => {
  const wasm = await compiledFixture('sdk/assembly/memory')
  const small = await loadFilter(wasm, { fuel: 2_000 }).catch((error: unknown) => error)
  assert.ok(isGatewayError(small, 'GUEST_START') || small instanceof Object)
  const values = async (filter: TestFilter): Promise<(string | null)[]> => {
    const kept: (string | null)[] = []
    for (const value of ['1-a', '2-b']) {
      const { request } = await filter.request({ headers: { 'x-value': value } })
      kept.push(request.headers.get('x-kept'))
    }
    return kept
  }
  assert.equal(await values(await loadFilter(wasm)), ['', '1-a'])
  assert.equal(await values(await loadFilter(wasm, { reset: 'request' })), ['', ''])
})

const FIRST = `export class A extends Filter {
  onRequest(request: Request): void { request.headers.set('x-a', '1') }
}`

test('a folder is built, a module is taken as it is, and one that is old is refused', async () => {
  const dir = await pluginFolder(cleanup, { 'index.ts': FIRST })
  const built = await loadFilter(dir)
  assert.equal((await built.request()).requestChanges, ['+ x-a: 1'])
  const module = join(dir, 'build/my-plugin.wasm')
  assert.is((await loadFilter(module)).name, 'my-plugin')
  const source = await readFile(join(dir, 'index.ts'), 'utf8')
  await writeFile(join(dir, 'index.ts'), source.replace("'1'", "'2'"))
  assert.is(await codeOf(loadFilter(module)), 'TESTING_STALE')
  const again = await loadFilter(join(dir, 'index.ts'))
  assert.equal((await again.request()).requestChanges, ['+ x-a: 2'])
  assert.is(await codeOf(loadFilter(module)), null)
})

test('what cannot be loaded says why', async () => {
  assert.is(await codeOf(loadFilter('/nowhere/x.wasm')), 'GUEST_CODE_READ')
  assert.is(await codeOf(loadFilter('/nowhere')), 'TOOLCHAIN_SOURCE')
  assert.is(await codeOf(loadFilter(new Uint8Array(9))), 'GUEST_MODULE_INVALID')
  const dir = await pluginFolder(cleanup, { 'index.ts': 'export class A {}' })
  assert.is(await codeOf(loadFilter(dir)), 'TOOLCHAIN_BUILD')
  const folder = join(await temporaryFolder(cleanup), 'empty')
  await mkdir(folder)
  assert.is(await codeOf(loadFilter(folder)), 'TOOLCHAIN_SOURCE')
})
