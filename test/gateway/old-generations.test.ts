import { type IncomingMessage, request } from 'node:http'
import { LIVE_GENERATIONS } from '../../host/control/retiring-generations.ts'
import type { GatewayOptions } from '../../host/gateway.ts'
import {
  type Answer,
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { metric } from '../support/metrics.ts'
import { onePipeline, proxyTo, wasmHost } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('gateway/old-generations', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** Logs "done" when a request has ended, and does nothing before. */
const HEARS_THE_END = wat(`(module
  (import "penstock_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "done")
  (func (export "penstock_on_request") (result i32) (i32.const 0))
  (func (export "penstock_on_done") (call $log (i32.const 1) (i32.const 0) (i32.const 4))))`)

const WITH_ADMIN: Partial<GatewayOptions> = {
  watch: false,
  admin: { address: '127.0.0.1', port: 0 },
}

const RETIRING = /penstock_generations\{state="retiring"\} (\d+)/

/** A download that has begun, and how to let the upstream end it. */
interface Download {
  readonly body: () => Promise<string>
  readonly end: () => void
}

/** A gateway whose upstream sends the first half of a body and waits, and a client that has the half. */
async function startDownload(
  filters: string,
  files: Readonly<Record<string, Uint8Array>>,
  httpEngine: string,
  fields = '',
): Promise<Download & { readonly started: TestGateway; change(n: number): Promise<void> }> {
  let end: () => void = () => undefined
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.write('first,')
    end = () => outgoing.end('second')
  })
  const config = (n: number): string =>
    onePipeline(`${filters}${proxyTo(upstream.url)}`, `${fields}\ndata: { n: ${n} }`)
  const started = await startGateway(cleanup, config(0), files, { ...WITH_ADMIN, httpEngine })
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = started
    request({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject).end()
  })
  let text = ''
  incoming.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const whole = new Promise<string>((resolve, reject) => {
    incoming.on('end', () => resolve(text)).on('error', reject)
  })
  await until(() => text === 'first,', 'the first half is here')
  const change = async (n: number): Promise<void> => {
    await started.write('gateway.yaml', config(n))
    assert.equal(await started.gateway.reload(), [])
  }
  return { started, body: () => whole, end: () => end(), change }
}

for (const httpEngine of ['native', 'node']) {
  test(`a stream that no filter reads any more holds no generation, and no change cuts it (${httpEngine})`, async () => {
    const { started, body, end, change } = await startDownload('', {}, httpEngine)
    for (let n = 1; n <= 3; n++) await change(n)
    await until(async () => (await metric(started, RETIRING)) === 0, 'nothing waits for the stream')
    end()
    assert.is(await body(), 'first,second')
  })
}

for (const isolation of ['worker', 'inline']) {
  test(`a plugin that wants to hear of the end of a stream lives until it has (${isolation})`, async () => {
    const plugin = wasmHost(`code: plugin.wasm, isolation: ${isolation}`)
    const files = { 'plugin.wasm': HEARS_THE_END }
    const { started, body, end, change } = await startDownload(plugin, files, 'native')
    await change(1)
    assert.is(await metric(started, RETIRING), 1)
    assert.is(await metric(started, /penstock_plugin_generations\{[^}]*\} (\d+)/), 2)
    const heard = (): number => started.lines.filter((line) => line.includes('"msg":"done"')).length
    assert.is(heard(), 0)
    end()
    assert.is(await body(), 'first,second')
    await until(() => heard() === 1, 'the plugin has heard of the end')
    await until(async () => (await metric(started, RETIRING)) === 0, 'the generation is closed')
    assert.is(await metric(started, /penstock_plugin_generations\{[^}]*\} (\d+)/), 1)
  })
}

const ENDED_BY_LIMIT = /penstock_generations_ended_total\{reason="limit"\} (\d+)/
const ENDED_BY_TIMEOUT = /penstock_generations_ended_total\{reason="drainTimeout"\} (\d+)/

/** A gateway whose upstream waits until it is told to answer. */
async function startWaiting(
  yamlOf: (url: string, n: number) => string,
  files: Readonly<Record<string, Uint8Array>> = {},
): Promise<{
  readonly started: TestGateway
  /** Sends a request, and changes the configuration when the upstream has it. */
  ask(): Promise<{ readonly answer: Promise<Answer> }>
  answerAll(): void
}> {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    waiting.push(() => outgoing.end('ok'))
  })
  const started = await startGateway(cleanup, yamlOf(upstream.url, 0), files, WITH_ADMIN)
  let changes = 0
  return {
    started,
    answerAll: () => {
      for (const answer of waiting) answer()
    },
    ask: async () => {
      changes += 1
      const answer = started.get('/')
      await until(() => waiting.length === changes, 'the upstream was asked')
      await started.write('gateway.yaml', yamlOf(upstream.url, changes))
      assert.equal(await started.gateway.reload(), [])
      return { answer }
    },
  }
}

for (const { isolation, failPolicy, endedGet } of [
  { isolation: 'worker', failPolicy: 'closed', endedGet: 503 },
  { isolation: 'inline', failPolicy: 'open', endedGet: 200 },
]) {
  test(`of 16 generations the oldest is ended: its requests go on without their plugin (${isolation}, ${failPolicy})`, async () => {
    const fields = `code: plugin.wasm, isolation: ${isolation}, failPolicy: ${failPolicy}`
    const { started, ask, answerAll } = await startWaiting(
      (url, n) => onePipeline(wasmHost(fields) + proxyTo(url), `data: { n: ${n} }`),
      { 'plugin.wasm': versionGuest('1') },
    )
    const answers: Promise<Answer>[] = []
    for (let n = 1; n < LIVE_GENERATIONS; n++) answers.push((await ask()).answer)
    assert.is(await metric(started, RETIRING), LIVE_GENERATIONS - 1)
    assert.is(await metric(started, ENDED_BY_LIMIT), 0)
    for (let n = 1; n <= 2; n++) answers.push((await ask()).answer)
    assert.is(await metric(started, ENDED_BY_LIMIT), 2)
    await until(
      async () => (await metric(started, RETIRING)) === LIVE_GENERATIONS - 1,
      'those that were ended are closed',
    )
    answerAll()
    const got = await Promise.all(answers)
    assert.equal(
      got.map(({ status, headers }) => `${status} ${headers['x-version']}`),
      got.map((_, n) => (n < 2 ? `${endedGet} undefined` : '200 1')),
    )
    const told = started.lines.filter((line) => line.includes('has been ended')).length
    assert.is(told, 2, 'each of them is in the log')
    const refused = /penstock_plugin_traps_total\{[^}]*GUEST_CLOSED[^}]*\} (\d+)/
    assert.is(await metric(started, refused), 2)
    await until(async () => (await metric(started, RETIRING)) === 0, 'all of them are closed')
  })
}

test('requests of native filters do not notice that their generation was ended', async () => {
  const { started, ask, answerAll } = await startWaiting((url, n) =>
    onePipeline(proxyTo(url), `data: { n: ${n} }`),
  )
  const answers: Promise<Answer>[] = []
  for (let n = 0; n < LIVE_GENERATIONS + 4; n++) answers.push((await ask()).answer)
  assert.is(await metric(started, ENDED_BY_LIMIT), 5)
  answerAll()
  for (const answer of answers) assert.is((await answer).status, 200)
})

const DRAINED: readonly [what: string, yamlOf: (url: string, n: number) => string][] = [
  [
    'pipeline',
    (url, n) =>
      onePipeline(
        wasmHost('code: plugin.wasm') + proxyTo(url),
        `drainTimeout: 50ms\ndata: { n: ${n} }`,
      ),
  ],
  [
    'global filter',
    (url, n) => `${onePipeline(proxyTo(url), '', 'globalFilter: everywhere')}
---
kind: GlobalFilter
name: everywhere
drainTimeout: 50ms
beforePipeline:
  data: { n: ${n} }
  filters:
${wasmHost('code: plugin.wasm')}`,
  ],
]

for (const [what, yamlOf] of DRAINED) {
  test(`a former ${what} waits for its requests as long as drainTimeout says`, async () => {
    const { started, ask, answerAll } = await startWaiting(yamlOf, {
      'plugin.wasm': versionGuest('1'),
    })
    const { answer } = await ask()
    await until(async () => (await metric(started, ENDED_BY_TIMEOUT)) === 1, 'it was ended')
    await until(async () => (await metric(started, RETIRING)) === 0, 'it is closed')
    answerAll()
    assert.is((await answer).status, 503)
    assert.is(await metric(started, ENDED_BY_LIMIT), 0)
    assert.ok(started.lines.some((line) => line.includes('"reason":"drainTimeout"')))
  })
}

test('a stream whose plugin was ended goes on to its last byte', async () => {
  const plugin = wasmHost('code: plugin.wasm')
  const files = { 'plugin.wasm': HEARS_THE_END }
  const { started, body, end, change } = await startDownload(
    plugin,
    files,
    'native',
    'drainTimeout: 50ms',
  )
  await change(1)
  await until(async () => (await metric(started, ENDED_BY_TIMEOUT)) === 1, 'it was ended')
  end()
  assert.is(await body(), 'first,second')
  await until(() => started.lines.some((line) => line.includes('has been ended')), 'it is said')
  assert.not(started.lines.some((line) => line.includes('"msg":"done"')))
})
