import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import { Cleanup, startGateway } from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/traps', { timeoutMs: 120_000 })

const cleanup = new Cleanup()
test.after(() => cleanup.run())

/** Line 9 reads past the end of an array when the request asks for it. */
const SOURCE = `import { Filter, Request } from '@penstock/sdk'

export class Fragile extends Filter {
  onRequest(request: Request): void {
    if (request.headers.has('break')) this.pick(request.path.length)
  }

  private pick(index: i32): i32 {
    return [1, 2, 3][index + 100]
  }
}
`

test('a trap in a filter is logged with the file, line and column it came from', async () => {
  const root = join(import.meta.dirname, '../../.cache')
  await mkdir(root, { recursive: true })
  const dir = await mkdtemp(join(root, 'fragile-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'index.ts'), SOURCE)
  const built = await buildPlugin({ path: dir })
  assert.is(built.kind, 'built')
  for (const isolation of ['worker', 'inline']) {
    const { get, lines } = await startGateway(
      cleanup,
      onePipeline(`  - { name: plugin, kind: WasmHost, isolation: ${isolation}, code: ${built.outFile} }
  - { name: mock, kind: Mock, rules: [{ body: fine }] }`),
      {},
      { watch: false },
    )
    assert.is((await get('/')).body, 'fine')
    const broken = await get('/', { headers: { break: '1' } })
    assert.is(broken.status, 503)
    const line = lines.map((text) => JSON.parse(text)).find((one) => one.result === 'wasmError')
    assert.match(line.at, /fragile-\w+\/index\.ts:9:\d+/)
    assert.is(line.requestId, broken.headers['x-request-id'])
    assert.match(line.msg, /Index out of range/)
    assert.ok(line.trace.length > 0)
    assert.not(broken.body.includes('index.ts'))
  }
})
