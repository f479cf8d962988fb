import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/debug-run', { timeoutMs: 120_000 })

const cleanup = new Cleanup()
test.after(() => cleanup.run())

/** Counts its requests, logs, and fails two functions deep, all of which optimizing puts into one. */
const SOURCE = `import { Filter, Request, log, store } from '@penstock/sdk'

export class Fragile extends Filter {
  onRequest(request: Request): void {
    log.info('seen')
    request.headers.set('x-count', store.add('requests', 1).toString())
    if (request.headers.has('break')) this.pick(request.path.length)
    if (request.headers.has('loop')) this.turn()
  }

  private pick(index: i32): i32 {
    return [1, 2, 3][index + 100]
  }

  private turn(): void {
    let i = 0
    while (i >= 0) i = (i + 1) & 0xffff
  }
}
`

const DEVELOPMENT = { page: () => Promise.resolve(new Map()), onMoved: () => undefined }

interface Line {
  readonly msg: string
  readonly result?: string
  readonly at?: string
  readonly trace?: string[]
}

async function pluginIn(debug: boolean): Promise<string> {
  const root = join(import.meta.dirname, '../../.cache')
  await mkdir(root, { recursive: true })
  const dir = await mkdtemp(join(root, 'fragile-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'index.ts'), SOURCE)
  const built = await buildPlugin({ path: dir, debug })
  assert.is(built.kind, 'built', JSON.stringify(built.diagnostics))
  return built.outFile
}

async function gatewayWith(
  code: string,
  isolation: string,
  development = true,
): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  const filters = `  - { name: plugin, kind: WasmHost, isolation: ${isolation}, code: ${code} }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }`
  return await startGateway(
    cleanup,
    onePipeline(filters),
    {},
    {
      watch: false,
      dataWaitMs: 10_000,
      development: development ? DEVELOPMENT : null,
    },
  )
}

const messagesOf = ({ lines }: TestGateway): Line[] => lines.map((text) => JSON.parse(text))
const failuresOf = (rig: TestGateway): Line[] =>
  messagesOf(rig).filter(({ result }) => result === 'wasmError')

for (const isolation of ['worker', 'inline']) {
  test(`a failing request runs again on the debug build: its whole stack is told, and nothing is done twice (${isolation})`, async () => {
    const rig = await gatewayWith(await pluginIn(true), isolation)
    const ok = await rig.get('/')
    assert.is(
      ok.status,
      200,
      messagesOf(rig)
        .map((one) => one.msg)
        .join('\n'),
    )
    assert.is((await rig.get('/', { headers: { break: '1' } })).status, 503)
    const [trap, ...others] = failuresOf(rig)
    assert.is(others.length, 0)
    assert.match(trap?.at ?? '', /fragile-\w+\/index\.ts:12:\d+ in .*pick/)
    const own = (trap?.trace ?? []).filter((place) => place.includes('index.ts'))
    assert.match(own[0] ?? '', /index\.ts:12:\d+ in .*pick/)
    assert.match(own[1] ?? '', /index\.ts:7:\d+ in .*onRequest/)
    const record = rig.gateway.inspector?.recorder.list()[0]?.toRecord()
    assert.match(record?.steps[0]?.failure?.at ?? '', /index\.ts:12/)

    // The clock ends it in a thread, and leaves no stack; the second run says where it was.
    assert.is((await rig.get('/', { headers: { loop: '1' } })).status, 503)
    const stop = failuresOf(rig)[1]
    assert.match(stop?.msg ?? '', /longer than|out of fuel/)
    assert.match(stop?.trace?.join(' ') ?? '', /index\.ts:1[67]:\d+ in .*turn/)

    // The second runs have counted nothing and logged nothing.
    const { headers } = JSON.parse((await rig.get('/')).body)
    assert.is(headers['x-count'], '4')
    const seen = (): number => messagesOf(rig).filter(({ msg }) => msg === 'seen').length
    await until(() => seen() >= 4, 'its lines are logged')
    assert.is(seen(), 4)
  })
}

test('without a debug build, and outside of development, a failure is told as far as it is known', async () => {
  const code = await pluginIn(false)
  for (const development of [true, false]) {
    const rig = await gatewayWith(code, 'worker', development)
    assert.is((await rig.get('/', { headers: { break: '1' } })).status, 503)
    const [failure, ...others] = failuresOf(rig)
    assert.is(others.length, 0)
    assert.match(failure?.at ?? '', /index\.ts/, failure?.msg)
  }
})
