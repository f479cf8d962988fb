import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import { Cleanup, startGateway } from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { withCustomSection } from '../support/wat.ts'

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

/** The section as compilers write it: a length, then the address. */
function mapInside(map: Buffer): Uint8Array {
  const url = Buffer.from(`data:application/json;base64,${map.toString('base64')}`)
  const length: number[] = []
  for (let rest = url.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest)
    if (rest <= 127) break
  }
  return Buffer.concat([Buffer.from(length), url])
}

test('a trap in a filter is logged with the file, line and column it came from', async () => {
  const root = join(import.meta.dirname, '../../.cache')
  await mkdir(root, { recursive: true })
  const dir = await mkdtemp(join(root, 'fragile-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'index.ts'), SOURCE)
  const built = await buildPlugin({ path: dir })
  assert.is(built.kind, 'built')
  const outFile = built.kind === 'built' ? built.outFile : ''
  const map = await readFile(`${outFile}.map`)
  const whole = withCustomSection(await readFile(outFile), 'sourceMappingURL', mapInside(map))
  const beside = outFile
  const inside = Buffer.from(whole).toString('base64')
  for (const [isolation, code] of [
    ['worker', beside],
    ['inline', beside],
    ['worker', inside],
  ]) {
    const { get, lines } = await startGateway(
      cleanup,
      onePipeline(`  - { name: plugin, kind: WasmHost, isolation: ${isolation}, timeout: 5s, code: ${code} }
  - { name: mock, kind: Mock, rules: [{ body: fine }] }`),
      {},
      { watch: false },
    )
    assert.is((await get('/')).body, 'fine')
    const broken = await get('/', { headers: { break: '1' } })
    assert.is(broken.status, 503)
    const line = lines.map((text) => JSON.parse(text)).find((one) => one.result === 'wasmError')
    assert.match(line.at, /fragile-\w+\/index\.ts:9:\d+|^index\.ts:9:\d+/)
    assert.is(line.requestId, broken.headers['x-request-id'])
    assert.match(line.msg, /Index out of range/)
    assert.ok(line.trace.length > 0)
    assert.not(broken.body.includes('index.ts'))
  }
})
