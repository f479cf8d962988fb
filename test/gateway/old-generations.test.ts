import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import type { GatewayOptions } from '../../host/gateway.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
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

/** Reads one value of /metrics; NaN when it is not there. */
async function metric({ gateway, dir }: TestGateway, line: RegExp): Promise<number> {
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return Number(line.exec(await answer.text())?.[1] ?? Number.NaN)
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
): Promise<Download & { readonly started: TestGateway; change(n: number): Promise<void> }> {
  let end: () => void = () => undefined
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.write('first,')
    end = () => outgoing.end('second')
  })
  const config = (n: number): string =>
    onePipeline(`${filters}${proxyTo(upstream.url)}`, `data: { n: ${n} }`)
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

test('a generation whose exchange goes on is seen in the metrics until it ends, and past 16 in the log', async () => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    waiting.push(() => outgoing.end('ok'))
  })
  const config = (data: number): string =>
    onePipeline(proxyTo(upstream.url), `data: { n: ${data} }`)
  const { gateway, get, lines, write, dir } = await startGateway(
    cleanup,
    config(0),
    {},
    {
      watch: false,
      admin: { address: '127.0.0.1', port: 0 },
    },
  )
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const retiring = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const text = await answer.text()
    assert.match(text, /penstock_generations\{state="serving"\} 2/)
    return Number(/penstock_generations\{state="retiring"\} (\d+)/.exec(text)?.[1])
  }
  assert.is(await retiring(), 0)
  const answers: ReturnType<typeof get>[] = []
  for (let i = 1; i <= 17; i++) {
    answers.push(get('/'))
    await until(() => waiting.length === i, 'the upstream was asked')
    await write('gateway.yaml', config(i))
    assert.equal(await gateway.reload(), [])
  }
  assert.is(await retiring(), 17)
  assert.is(lines.filter((line) => line.includes('many old generations')).length, 1)
  for (const answer of waiting) answer()
  for (const answer of answers) assert.is((await answer).status, 200)
  await until(async () => (await retiring()) === 0, 'all of them are closed')
})
