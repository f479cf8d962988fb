import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cleanup } from '../../support/gateway.ts'
import { compiled, compiledFixture, temporaryFolder } from '../../support/guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { type CliResult, run } from '../support.ts'

const test = suite('cli/commands/bench', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const PARAMETER = ['--parameter', 'must=m']

/** Runs it on the fixture `echo`, which does what the header `x-do` of the request says. */
async function bench(action: string, ...flags: string[]): Promise<CliResult> {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'echo.wasm'), await compiledFixture('sdk/assembly/echo'))
  const request = { path: '/x?y', headers: { 'x-do': action }, upstream: { body: 'banana' } }
  await writeFile(join(dir, 'request.json'), JSON.stringify(request))
  const args = ['bench', 'echo.wasm', '--duration', '0.02', '--request', 'request.json']
  return run([...args, ...PARAMETER, ...flags], { cwd: dir })
}

interface Report {
  readonly name: string
  readonly levels: readonly { name: string; time: { p50Us: number; p99Us: number } }[]
  readonly counts: { hostCalls: number; bytesCopied: number; fuel: number; memoryBytes: number }
  readonly comparison: { verdict: string; difference: { low: number; high: number } } | null
}

const reportOf = (result: CliResult): Report => JSON.parse(result.out) as Report

test('every isolation level has its times, and the counts are the same in every run', async () => {
  const first = await bench('rewrite', '--json')
  assert.is(first.code, 0, first.err)
  const report = reportOf(first)
  assert.is(report.name, 'echo')
  assert.equal(
    report.levels.map(({ name }) => name),
    ['inline', 'inline, reset: request', 'worker', 'worker, 64 at once'],
  )
  for (const { time } of report.levels) assert.ok(time.p50Us > 0 && time.p99Us >= time.p50Us)
  assert.ok(report.counts.hostCalls > 5 && Number.isInteger(report.counts.hostCalls))
  assert.ok(report.counts.bytesCopied > 20)
  assert.equal(reportOf(await bench('rewrite', '--json')).counts, report.counts)
})

test('a budget that is exceeded is exit code 1 and says by what', async () => {
  const good = await bench('rewrite', '--budget', 'hostcalls=1k,memory=16MiB')
  assert.is(good.code, 0, good.err)
  assert.match(good.out, /^echo 0\.0\.0: .* behind the gate; compiled in/)
  assert.match(good.out, /ISOLATION +P50 +P99 +REQUESTS\ninline +/)
  assert.match(good.out, /host calls: \w+ \d/)
  const bad = await bench('rewrite', '--budget', 'hostcalls=1,memory=1KiB,fuel=1M')
  assert.is(bad.code, 1)
  assert.match(bad.err, /over budget: hostcalls is \d+, at most 1\n/)
  assert.match(bad.err, /over budget: memory is .* KiB, at most 1KiB\n/)
  assert.not.match(bad.err, 'fuel')
})

test('a comparison has both modules, an interval and a verdict', async () => {
  const result = await bench('rewrite', '--compare', 'echo.wasm', '--json')
  assert.is(result.code, 0, result.err)
  const { comparison } = reportOf(result)
  assert.ok(comparison !== null && comparison.difference.low <= comparison.difference.high)
  assert.ok(['faster', 'slower', 'no difference shown'].includes(comparison.verdict))
  const text = await bench('rewrite', '--compare', 'echo.wasm', '--markdown')
  assert.match(text.out, /^\*\*echo 0\.0\.0: /)
  assert.match(
    text.out,
    /\| inline \| base \| this \| difference \|\n\| --- \| --- \| --- \| --- \|\n/,
  )
  assert.match(text.out, /\| fuel \| ([\d,.]+) \| \1 \| same \|/)
})

test('a plugin that fails on the request is not measured', async () => {
  const result = await bench('trap')
  assert.is(result.code, 1)
  assert.match(result.err, 'the plugin fails on the request it is measured with')
  assert.match(result.err, '--request FILE')
})

test('secrets and keys are given as a configuration gives them', async () => {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'a.wasm'), await compiledFixture('sdk/assembly/capabilities'))
  await writeFile(join(dir, 'secret.json'), '{ "path": "/secret" }')
  const plugin = new URL('../../../plugins/jwt-claims/', import.meta.url)
  await writeFile(join(dir, 'jwt.wasm'), await compiled(fileURLToPath(plugin)))
  const yaml = await readFile(new URL('gateway.yaml', plugin), 'utf8')
  await writeFile(join(dir, 'key'), `${/secret: ([0-9a-f]+)/.exec(yaml)?.[1]}\n`)
  const measured = (...args: string[]) =>
    run(['bench', '--duration', '0.02', ...args], { cwd: dir })
  const secret = await measured('a.wasm', '--request', 'secret.json', '--secret', 'key=hunter22')
  assert.is(secret.code, 0, secret.err)
  assert.match(secret.out, /host calls: .*secret_get 1/)
  const none = await measured('a.wasm', '--request', 'secret.json')
  assert.is(none.code, 1, none.err)
  const request = ['--request', fileURLToPath(new URL('bench.json', plugin))]
  const key = ['--key', 'token=HS256:key', '--parameter', 'claims=sub => x-user-id']
  const token = await measured('jwt.wasm', ...request, ...key)
  assert.is(token.code, 0, token.err)
  assert.match(token.out, /host calls: .*jwt_verify 1/)
  assert.not.match(token.out, /reply/, 'the token was taken')
})

test('wrong usage is exit code 2 and says what is right', async () => {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'echo.wasm'), await compiledFixture('sdk/assembly/echo'))
  await writeFile(join(dir, 'wrong.json'), '{ "metod": "GET" }')
  const usages: readonly (readonly [readonly string[], RegExp])[] = [
    [['nothing.wasm'], /cannot read the code .*nothing\.wasm/],
    [['echo.wasm'], /"must" is required; give parameters with "--parameter name=value"/],
    [['echo.wasm', '--secret', 'must'], /--secret takes name=value/],
    [['echo.wasm', '--key', 'must'], /--key takes name=algorithm:file/],
    [['echo.wasm', '--key', 'a=none:wrong.json'], /with one of HS256, .*EdDSA, not "a=none:/],
    [['echo.wasm', '--key', 'a=ES256:wrong.json'], /keys\.a\.publicKey: .*cannot be read/],
    [['echo.wasm', ...PARAMETER, '--budget', 'x=1'], /"x" cannot be limited/],
    [['echo.wasm', ...PARAMETER, '--duration', '0'], /--duration takes seconds/],
    [['echo.wasm', '--parameter', 'must'], /--parameter takes name=value/],
    [['echo.wasm', ...PARAMETER, '--request', 'wrong.json'], /cannot read .*wrong\.json: .*metod/],
    [['wrong.json'], /not a WebAssembly module/],
  ]
  for (const [args, message] of usages) {
    const result = await run(['bench', ...args], { cwd: dir })
    assert.is(result.code, 2, `${args.join(' ')}: ${result.err}`)
    assert.match(result.err, message)
  }
})
