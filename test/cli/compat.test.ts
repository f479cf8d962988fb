import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServeCommand } from '../../host/cli/commands/serve.ts'
import { runCli } from '../../host/cli/main.ts'
import { ConfigError } from '../../host/config/issues.ts'
import type { GatewayOptions } from '../../host/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { fakeIo, run } from './support.ts'

const test = suite('cli/compat')
let cwd = ''

const moved = `kind: HTTPServer
name: server
port: 10080
maxConnection: 5
rules: [{ paths: [{ backend: main }] }]
---
kind: Pipeline
name: main
filters: [{ name: mock, kind: Mock, colour: red }]
`

test.before.each(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'penstock-compat-'))
  await writeFile(join(cwd, 'moved.yaml'), moved)
  await writeFile(join(cwd, 'broken.yaml'), moved.replace('backend: main', 'backend: mian'))
})
test.after.each(() => rm(cwd, { recursive: true }))

test('validate refuses fields nobody knows, and warns of them for Easegress', async () => {
  const strict = await run(['validate', '-f', 'moved.yaml'], { cwd })
  assert.is(strict.code, 1)
  assert.match(
    strict.err,
    'moved.yaml:4:1: error: unknown field `maxConnection` (did you mean "maxConnections"?)',
  )
  const compatible = await run(['validate', '-f', 'moved.yaml', '--compat', 'easegress'], { cwd })
  assert.is(compatible.code, 0, compatible.err)
  assert.match(
    compatible.err,
    'moved.yaml:4:1: warning: unknown field `maxConnection`: it is ignored (did you mean "maxConnections"?)',
  )
  assert.match(compatible.err, 'moved.yaml:9:37: warning: unknown field `colour`: it is ignored')
})

test('another gateway than Easegress is refused', async () => {
  const { code, err } = await run(['validate', '-f', 'moved.yaml', '--compat', 'nginx'], { cwd })
  assert.is(code, 2)
  assert.match(err, 'easegress')
})

test('serve hands it on, and lists what is wrong beside it in the same way', async () => {
  const asked: GatewayOptions[] = []
  const command = createServeCommand(async () => (options) => {
    asked.push(options)
    return Promise.reject(new ConfigError([]))
  })
  const io = fakeIo({ cwd })
  const code = await runCli(['serve', '-f', 'broken.yaml', '--compat', 'easegress'], io, [command])
  assert.is(code, 1)
  assert.is(asked[0]?.compat, 'easegress')
  assert.match(io.err(), 'error: there is no Pipeline "mian" (did you mean "main"?)')
  assert.match(io.err(), 'warning: unknown field `maxConnection`')
  assert.not.match(io.err(), 'error: unknown field')
})
