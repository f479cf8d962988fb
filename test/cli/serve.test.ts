import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServeCommand } from '../../host/cli/commands/serve.ts'
import { runCli } from '../../host/cli/main.ts'
import { ConfigError } from '../../host/config/issues.ts'
import { GatewayError } from '../../host/errors.ts'
import type { Gateway, GatewayOptions } from '../../host/gateway.ts'
import { FakeControl } from '../support/fake-control.ts'
import { assert, suite } from '../support/suite.ts'
import { type FakeIo, fakeIo } from './support.ts'

const test = suite('cli/serve')
let folder = ''

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-serve-'))
  await writeFile(join(folder, 'gateway.yaml'), 'kind: Pipeline\nname: demo\n')
})
test.after.each(() => rm(folder, { recursive: true }))

interface Rig {
  readonly io: FakeIo
  readonly code: Promise<number>
  readonly options: Promise<GatewayOptions>
  /** Lets `close` of the gateway end. */
  drained(): void
  closes: number
}

/** Runs `serve` over a gateway that only remembers how it was made. */
function serve(argv: readonly string[], start: () => Promise<void> = async () => undefined): Rig {
  const io = fakeIo({ cwd: folder })
  const made = Promise.withResolvers<GatewayOptions>()
  const drained = Promise.withResolvers<void>()
  const rig = { io, options: made.promise, drained: () => drained.resolve(), closes: 0 }
  const command = createServeCommand(async () => async (options) => {
    made.resolve(options)
    await start()
    const gateway: Gateway = {
      control: new FakeControl(),
      adminPort: options.admin === null ? null : options.admin.port,
      inspector: null,
      portOf: () => undefined,
      reload: () => Promise.resolve([]),
      close: () => {
        result.closes += 1
        return drained.promise
      },
    }
    return gateway
  })
  const code = runCli(['serve', ...argv], io, [command])
  const result: Rig = Object.assign(rig, { code })
  return result
}

const messages = (io: FakeIo) => io.logged.map((line) => JSON.parse(line).msg as string)

/** Waits for a line of the log. */
async function logged(io: FakeIo, message: string): Promise<void> {
  while (!messages(io).some((seen) => seen.startsWith(message))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('the first signal drains and exits 0', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const rig = serve(['-f', 'gateway.yaml'])
    await logged(rig.io, 'serving')
    assert.ok(rig.io.signal(signal))
    await logged(rig.io, 'stopping')
    assert.is(rig.closes, 1)
    rig.drained()
    assert.is(await rig.code, 0)
    assert.is(rig.io.signal(signal), false, 'the signals are given back')
  }
})

test('the second signal ends at once', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const rig = serve(['-f', 'gateway.yaml'])
    await logged(rig.io, 'serving')
    rig.io.signal(signal)
    await logged(rig.io, 'stopping')
    rig.io.signal(signal)
    assert.is(await rig.code, code)
  }
})

test('a signal during the start stops the gateway as soon as it is there', async () => {
  const started = Promise.withResolvers<void>()
  const rig = serve(['-f', 'gateway.yaml'], () => started.promise)
  await rig.options
  rig.io.signal('SIGTERM')
  started.resolve()
  await logged(rig.io, 'stopping')
  rig.drained()
  assert.is(await rig.code, 0)
  assert.is(rig.closes, 1)
})

test('the data directory is beside the configuration unless it is given', async () => {
  await mkdir(join(folder, 'conf'))
  const cases: [argv: string[], expected: string][] = [
    [['-f', 'gateway.yaml'], '.penstock'],
    [['-f', 'conf', '-f', 'gateway.yaml'], 'conf/.penstock'],
    [['-f', '-'], '.penstock'],
    [['-f', 'conf', '--data-dir', 'data'], 'data'],
  ]
  for (const [argv, expected] of cases) {
    const rig = serve(argv)
    assert.is((await rig.options).dataDir, join(folder, expected), argv.join(' '))
    await logged(rig.io, 'serving')
    rig.io.signal('SIGTERM')
    rig.drained()
    await rig.code
  }
})

test('options reach the gateway', async () => {
  const rig = serve([
    ...['-f', 'gateway.yaml', '-f', 'more.yaml', '--admin-address', '[::1]:9000'],
    ...['--admin-host', 'gw.internal', '--workers', '3', '--http-engine', 'native'],
    ...['--log-level', 'warn'],
  ])
  const options = await rig.options
  assert.equal(options.files, [join(folder, 'gateway.yaml'), join(folder, 'more.yaml')])
  assert.equal(options.admin, {
    address: '::1',
    port: 9000,
    isLoopback: true,
    allowedHosts: ['gw.internal'],
  })
  assert.is(options.threads, 3)
  assert.is(options.httpEngine, 'native')
  assert.is(options.log.isLevelEnabled('info'), false)
  assert.is(options.accessLog.isEnabled, false, 'a quiet level has no access log')
  rig.io.signal('SIGTERM')
  rig.drained()
  await rig.code
})

test('the admin API can be switched off, and one that others reach is warned about', async () => {
  const none = serve(['-f', 'gateway.yaml', '--admin-address', 'none', '--no-access-log'])
  assert.is((await none.options).admin, null)
  assert.is((await none.options).accessLog.isEnabled, false)
  const open = serve(['-f', 'gateway.yaml', '--admin-address', '0.0.0.0:2381'])
  assert.is((await open.options).accessLog.isEnabled, true)
  await logged(open.io, 'the admin API can be reached from elsewhere')
  for (const rig of [none, open]) {
    await logged(rig.io, 'serving')
    rig.io.signal('SIGTERM')
    rig.drained()
    assert.is(await rig.code, 0)
  }
})

test('a configuration with problems is listed with their places and exits 1', async () => {
  await writeFile(join(folder, 'gateway.yaml'), 'kind: Pipelin\nname: demo\n')
  const rig = serve(['-f', 'gateway.yaml'], () =>
    Promise.reject(
      new ConfigError([
        {
          severity: 'error',
          position: null,
          path: '',
          message: 'from the gateway',
          suggestion: null,
        },
      ]),
    ),
  )
  assert.is(await rig.code, 1)
  assert.match(rig.io.err(), 'gateway.yaml:1:7: error: there is no kind "Pipelin"')
})

test('a problem that is not in the files is listed too', async () => {
  await writeFile(join(folder, 'gateway.yaml'), 'kind: Pipeline\nname: demo\nfilters: []\n')
  const rig = serve(['-f', '-'], () =>
    Promise.reject(
      new ConfigError([
        {
          severity: 'error',
          position: null,
          path: '',
          message: 'in a stored object',
          suggestion: null,
        },
      ]),
    ),
  )
  assert.is(await rig.code, 1)
  assert.match(rig.io.err(), 'error: in a stored object')
})

test('a gateway that cannot start is an error with a hint and exits 2', async () => {
  const rig = serve(['-f', 'gateway.yaml'], () =>
    Promise.reject(new GatewayError('LISTEN', { address: '127.0.0.1:2381', reason: 'in use' })),
  )
  assert.is(await rig.code, 2)
  assert.match(
    rig.io.err(),
    /^error: cannot listen on 127\.0\.0\.1:2381: in use\nChoose a free port/,
  )
})
