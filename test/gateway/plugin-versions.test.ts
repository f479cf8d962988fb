import { join } from 'node:path'
import { isGatewayError } from '../../host/errors.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { startLoad } from '../support/load.ts'
import { onePipeline, proxyTo, wasmHost } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('gateway/plugin-versions', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** Starts well and traps on every request. */
const TRAPPING = wat(
  '(module (memory (export "memory") 1) (func (export "penstock_on_request") (result i32) unreachable))',
)

async function start(files: Record<string, Uint8Array>, dataDir?: string): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return startGateway(
    cleanup,
    onePipeline(wasmHost('code: plugin.wasm') + proxyTo(upstream.url)),
    files,
    { watch: false, ...(dataDir === undefined ? {} : { dataDir }) },
  )
}

async function version(at: TestGateway): Promise<unknown> {
  return (await at.get('/')).headers['x-version']
}

test('a push is undone by a rollback, and there is nothing before the first version', async () => {
  const at = await start({ 'plugin.wasm': versionGuest('1') })
  const { control } = at.gateway
  await control.pushPlugin(versionGuest('2'), 'main', 'plugin')
  await control.pushPlugin(versionGuest('3'), 'main', 'plugin')
  assert.is(await version(at), '3')
  await control.rollbackPlugin('main', 'plugin', 'wrong')
  assert.is(await version(at), '2')
  await control.rollbackPlugin('main', 'plugin', 'also wrong')
  assert.is(await version(at), '1')
  try {
    await control.rollbackPlugin('main', 'plugin', 'no more')
    assert.unreachable('there was nothing to go back to')
  } catch (error) {
    assert.ok(isGatewayError(error, 'PLUGIN_NO_PREVIOUS'), String(error))
  }
  const [plugin] = await control.plugins()
  const withdrawn = plugin?.history.map((entry) => entry.withdrawn).filter((why) => why !== null)
  assert.equal(withdrawn?.toSorted(), ['also wrong', 'also wrong', 'wrong'])
})

test('a rollback of a file lasts until the file holds something else, also over a restart', async () => {
  const at = await start({ 'plugin.wasm': versionGuest('1') })
  await at.write('plugin.wasm', versionGuest('2'))
  await at.gateway.reload()
  assert.is(await version(at), '2')
  await at.gateway.control.rollbackPlugin('main', 'plugin', 'wrong')
  assert.is(await version(at), '1')
  await at.gateway.reload()
  assert.is(await version(at), '1')
  const dataDir = join(at.dir, '.penstock')
  await at.gateway.close()
  const again = await start({ 'plugin.wasm': versionGuest('2') }, dataDir)
  assert.is(await version(again), '1')
  await again.write('plugin.wasm', versionGuest('3'))
  await again.gateway.reload()
  assert.is(await version(again), '3')
})

test('a roll-back that had its day does not stand in the way of the next one', async () => {
  const at = await start({ 'plugin.wasm': versionGuest('1') })
  await at.write('plugin.wasm', versionGuest('2'))
  await at.gateway.reload()
  await at.gateway.control.rollbackPlugin('main', 'plugin', 'wrong')
  await at.write('plugin.wasm', versionGuest('3'))
  await at.gateway.reload()
  assert.is(await version(at), '3')
  await at.gateway.control.rollbackPlugin('main', 'plugin', 'wrong again')
  assert.is(await version(at), '1')
})

test('a push that is rolled back to what the file holds is over: the file is followed again', async () => {
  const at = await start({ 'plugin.wasm': versionGuest('1') })
  await at.gateway.control.pushPlugin(versionGuest('2'), 'main', 'plugin')
  await at.gateway.control.rollbackPlugin('main', 'plugin', 'wrong')
  await at.write('plugin.wasm', versionGuest('3'))
  await at.gateway.reload()
  assert.is(await version(at), '3')
})

test('a new version that traps on traffic is rolled back by itself after at most 20 failures', async () => {
  const at = await start({ 'plugin.wasm': versionGuest('1') })
  const failures: number[] = []
  const load = startLoad(at.port, '/', 64, ({ status }) => {
    if (status !== 200) failures.push(status)
    return null
  })
  await at.gateway.control.pushPlugin(TRAPPING, 'main', 'plugin')
  await until(() => at.lines.some((line) => line.includes('was rolled back')), 'it is rolled back')
  await until(async () => (await version(at)) === '1', 'the former version serves')
  // What was under way may still fail; nothing after it does.
  await new Promise((resolve) => setTimeout(resolve, 500))
  await load.stop()
  assert.ok(failures.length >= 10 && failures.length <= 20, `${failures.length} failed`)
  const line = at.lines
    .map((text) => JSON.parse(text))
    .find((one) => one.msg.includes('rolled back'))
  assert.match(line.msg, /unreachable/)
})

test('a version that worked for long is left alone instead of rolled back', async () => {
  const at = await start({ 'plugin.wasm': TRAPPING })
  for (let i = 0; i < 12; i++) await at.get('/')
  await until(
    () => at.lines.some((line) => line.includes('cannot be rolled back')),
    'there is nothing before it',
  )
  assert.is((await at.get('/')).status, 503)
})
