import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, suite } from '../support/suite.ts'

const test = suite('bin/with-node')

const withNode = join(import.meta.dirname, '../../host/bin/with-node.cjs')
const script = join(import.meta.dirname, 'fixtures/show-process.ts')
const olderNode = ['--require', join(import.meta.dirname, 'fixtures/older-node.cjs')]

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly pid: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** `signal` is sent once the script says it is ready. */
function run(args: readonly string[], cwd = tmpdir(), signal?: NodeJS.Signals): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      if (signal !== undefined && stdout.includes('ready')) child.kill(signal)
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (code, endedBy) =>
      resolve({ code, signal: endedBy, pid: child.pid, stdout, stderr }),
    )
  })
}

test('a Node that is new enough runs the script itself', async () => {
  const { code, pid, stdout } = await run([withNode, script, 'show'])
  assert.is(code, 0)
  const shown = JSON.parse(stdout)
  assert.is(shown.pid, pid)
  assert.is(shown.script, script)
})

test('an error of the script ends it like any uncaught error', async () => {
  const { code, stderr } = await run([withNode, script, 'throw'])
  assert.is(code, 1)
  assert.match(stderr, 'thrown by the script')
})

test('an older Node hands over to the installed binary', async () => {
  const { code, pid, stdout, stderr } = await run([...olderNode, withNode, script, 'show'])
  assert.is(code, 0, stderr)
  const shown = JSON.parse(stdout)
  assert.is(shown.ppid, pid)
  assert.is.not(shown.node, '20.1.0')
})

test('the exit code of the script comes through', async () => {
  assert.is((await run([...olderNode, withNode, script, 'exit', '7'])).code, 7)
})

test('a signal reaches the script, which ends in its own way', async () => {
  const args = [...olderNode, withNode, script, 'wait', '5']
  assert.is((await run(args, undefined, 'SIGTERM')).code, 5)
})

test('a script that a signal ended looks so from outside', async () => {
  const args = [...olderNode, withNode, script, 'wait for its end']
  assert.is((await run(args, undefined, 'SIGTERM')).signal, 'SIGTERM')
})

test('an older Node without a binary says in one line what is needed, and exits with 2', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bin-'))
  try {
    cpSync(withNode, join(folder, 'with-node.cjs'))
    const args = [...olderNode, join(folder, 'with-node.cjs'), script]
    const { code, stderr } = await run(args, folder)
    assert.is(code, 2)
    assert.match(stderr, /^penstock needs Node 24\.20 or newer; this is 20\.1\.0[^\n]*\n$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the launchers use only syntax that Node 12 reads', () => {
  for (const name of ['with-node.cjs', 'penstock.cjs']) {
    const text = readFileSync(join(import.meta.dirname, '../../host/bin', name), 'utf8')
    const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '').replace(/'[^'\n]*'/g, "''")
    assert.not.match(code, /\b(?:const|let|class|async|await)\b|=>|`|\?\?|\?\.|\*\*|\.\.\./)
    assert.not.match(text, "require('node:")
  }
})
