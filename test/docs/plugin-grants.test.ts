import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseYamlText } from '../../host/config/document.ts'
import { valueAt } from '../../host/config/json.ts'
import { defineHostCall, type Gateway, type GatewayOptions } from '../../host/index.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import { AccessLog } from '../../host/traffic/access-log.ts'
import { grantSpec } from '../../host/wasm/grant/grant-spec.ts'
import { jwtKeysSpec } from '../../host/wasm/jwt/jwt-keys-spec.ts'
import { Cleanup, fetchFrom, startUpstream } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'
import { onePipeline, proxyTo } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { tokenSigner } from '../support/tokens.ts'
import { codeBlocks } from './code-blocks.ts'
import { installPenstock } from './install.ts'

const test = suite('docs/plugin-grants', { timeoutMs: 240_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const blocks = codeBlocks(new URL('../../docs/plugin-grants.md', import.meta.url))
const block = (file: string): string => blocks.find((one) => one.file === file)?.text ?? ''

test('the function of the page is called by the plugin of the page', async () => {
  const dir = join(await temporaryFolder(cleanup), 'plan')
  await mkdir(dir)
  await installPenstock(dir)
  for (const file of ['embed.ts', 'index.ts']) await writeFile(join(dir, file), block(file))
  const built = await buildPlugin({ path: dir })
  assert.is(built.kind, 'built')
  const upstream = await startUpstream(cleanup)
  await writeFile(
    join(dir, 'gateway.yaml'),
    onePipeline(
      `  - { name: plan, kind: WasmHost, code: build/plan.wasm, grant: { functions: [plan] } }\n${proxyTo(upstream.url)}`,
    ),
  )
  const page: { open: (options: GatewayOptions) => Promise<Gateway> } = await import(
    pathToFileURL(join(dir, 'embed.ts')).href
  )
  const destination = { write: () => undefined }
  const gateway = await page.open({
    files: [join(dir, 'gateway.yaml')],
    dataDir: join(dir, '.penstock'),
    admin: null,
    watch: false,
    log: silentLogger(),
    accessLog: new AccessLog({ destination, pretty: false }),
  })
  cleanup.add(() => gateway.close())
  const port = gateway.portOf('server') ?? 0
  const plans = []
  for (const customer of ['acme', 'other']) {
    const { body } = await fetchFrom(port, '/', { headers: { 'x-customer': customer } })
    plans.push(JSON.parse(body).headers['x-plan'])
  }
  assert.equal(plans, ['gold', 'free'])
})

test('the field of the page is one', () => {
  const yaml = blocks.find(({ language }) => language === 'yaml')?.text ?? ''
  const parsed = grantSpec.safeParse(valueAt(parseYamlText(yaml), ['grant']))
  assert.ok(parsed.success, parsed.error?.message)
})

test('the keys of the page are some, once there is a key in place of each reference', () => {
  const yaml = blocks.find(({ file }) => file === 'keys')?.text ?? ''
  const { login, partner } = valueAt(parseYamlText(yaml), ['keys']) as Record<string, object>
  const publicKey = tokenSigner('RS256').spec.publicKey
  const keys = { login: { ...login, publicKey }, partner: { ...partner, secret: 'ab'.repeat(32) } }
  const parsed = jwtKeysSpec.safeParse(keys)
  assert.ok(parsed.success, parsed.error?.message)
})

test('a function that cannot be is refused when it is defined', () => {
  const call = (text: string): string => text
  const define = (more: object) => () =>
    defineHostCall({ name: 'plan', description: 'x', format: 'text', call, ...more })
  assert.throws(define({ name: 'a plan' }), /its name is a letter/)
  assert.throws(define({ maxBytes: 2 ** 30 }), /maxBytes is between/)
  assert.throws(define({ timeoutMs: 0 }), /timeoutMs is between/)
})
