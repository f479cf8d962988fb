import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readToken } from '../../host/admin/token-file.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('cli/process', { timeoutMs: 60_000 })
const entry = fileURLToPath(new URL('../../host/main.ts', import.meta.url))

let folder = ''
const children: ChildProcess[] = []

test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-process-'))
})
test.after.each(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

const CONFIG = `kind: HTTPServer
name: web
port: 0
address: 127.0.0.1
rules:
  - paths: [{ backend: demo }]
---
kind: Pipeline
name: demo
filters:
  - { name: mock, kind: Mock, rules: [{ body: hello }] }
`

function penstock(argv: readonly string[]) {
  const child = spawn(process.execPath, [entry, ...argv], { cwd: folder, env: {} })
  children.push(child)
  const written = { out: '', err: '' }
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written.err += text
  })
  return { child, written }
}

function readOutput({ child, written }: ReturnType<typeof penstock>): void {
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written.out += text
  })
}

/** Resolves with the line of the log that has this message. */
async function logLine(started: ReturnType<typeof penstock>, message: string) {
  for (;;) {
    for (const line of started.written.out.split('\n').slice(0, -1)) {
      const data = JSON.parse(line)
      if (data.msg === message) return data
    }
    await Promise.race([
      once(started.child.stdout, 'data'),
      once(started.child, 'exit').then(() => {
        throw new Error(`it has ended: ${started.written.err}`)
      }),
    ])
  }
}

test('serve logs JSON lines, answers on the admin address and ends with 0 on SIGTERM', async () => {
  await writeFile(join(folder, 'gateway.yaml'), CONFIG)
  const started = penstock(['serve', '-f', 'gateway.yaml', '--admin-address', '127.0.0.1:0'])
  readOutput(started)
  const serving = await logLine(started, 'serving')
  assert.is(serving.dataDir, join(folder, '.penstock'))
  const token = await readToken(serving.dataDir)
  assert.ok(token !== null)
  const call = request(`${serving.admin}/readyz`, { agent: false }).end()
  const [response] = await once(call, 'response')
  response.resume()
  assert.is(response.statusCode, 200)
  started.child.kill('SIGTERM')
  const [code] = await once(started.child, 'exit')
  assert.is(code, 0)
  assert.is(started.written.err, '')
  assert.match(started.written.out, '"msg":"stopped"')
})

test('serve ends on SIGINT although nobody reads its log', async () => {
  await writeFile(join(folder, 'gateway.yaml'), CONFIG)
  const started = penstock(['serve', '-f', 'gateway.yaml', '--admin-address', 'none'])
  // One line is read to know that it runs; after that the pipe is left alone.
  await once(started.child.stdout, 'readable')
  started.child.kill('SIGINT')
  const [code] = await once(started.child, 'exit')
  assert.is(code, 0)
})

test('Ctrl-C on a command that waits ends it with 130, and SIGTERM with 143', async () => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = silent.address() as AddressInfo
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const { child } = penstock(['get', '--server', `127.0.0.1:${port}`, '--token', 'x'])
      const [socket] = await once(silent, 'connection')
      child.kill(signal)
      const [code] = await once(child, 'exit')
      socket.destroy()
      assert.is(code, expected)
    }
  } finally {
    silent.close()
  }
})

test('an error goes to standard error and ends with the right code', async () => {
  const started = penstock(['get', '--server', '127.0.0.1:1'])
  readOutput(started)
  const [code] = await once(started.child, 'close')
  assert.is(code, 2)
  assert.is(started.written.out, '')
  assert.match(started.written.err, /^error: cannot reach the gateway/)
})
