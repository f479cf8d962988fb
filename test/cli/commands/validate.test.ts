import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { validate } from '../../../host/cli/commands/validate.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('cli/commands/validate')
let cwd = ''

const good = `name: demo
kind: Pipeline
filters:
  - name: hello
    kind: Mock
    rules: [{ code: 200, body: "\${GREETING:-hello}" }]
---
name: front
kind: HTTPServer
port: 10080
rules:
  - paths:
      - pathPrefix: /
        backend: demo
`

test.before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'penstock-validate-'))
  await writeFile(join(cwd, 'good.yaml'), good)
  await writeFile(join(cwd, 'bad.yaml'), good.replace('backend: demo', 'backend: dmeo'))
  await writeFile(
    join(cwd, 'unused.yaml'),
    good.replace('filters:', 'flow: [{filter: END}]\nfilters:'),
  )
})
test.after(() => rm(cwd, { recursive: true }))

async function run(files: string[], options: { stdin?: string; isTerminal?: boolean } = {}) {
  let stdout = ''
  let stderr = ''
  const isTerminal = options.isTerminal ?? false
  const code = await validate(files, {
    cwd,
    env: {},
    stdin: Readable.from([options.stdin ?? '']),
    stdout: { write: (text) => (stdout += text), isTerminal },
    stderr: { write: (text) => (stderr += text), isTerminal },
  })
  return { code, stdout, stderr }
}

test('answers 0 and says how much it has read', async () => {
  assert.equal(await run(['good.yaml']), {
    code: 0,
    stdout: 'valid: 2 objects in 1 file\n',
    stderr: '',
  })
  assert.is((await run(['-'], { stdin: good })).code, 0)
})

test('answers 1 and writes every problem', async () => {
  assert.equal(await run(['bad.yaml']), {
    code: 1,
    stdout: '',
    stderr:
      'bad.yaml:14:18: error: there is no Pipeline "dmeo" (did you mean "demo"?)\n1 problem in 1 file\n',
  })
})

test('shows the lines on a terminal', async () => {
  const { stderr } = await run(['bad.yaml'], { isTerminal: true })
  assert.match(stderr, /14 \| .*backend: dmeo\n/)
  assert.match(stderr, /\^{4}/)
})

test('answers 0 when there are only warnings', async () => {
  const { code, stderr } = await run(['unused.yaml'])
  assert.is(code, 0)
  assert.is(
    stderr,
    'unused.yaml:5:11: warning: the filter "hello" is not in the flow: it never runs\n',
  )
})

test('answers 2 for what it cannot read, and checks the rest all the same', async () => {
  assert.is((await run([])).code, 2)
  const { code, stderr } = await run(['nope.yaml', 'bad.yaml'])
  assert.is(code, 2)
  assert.match(stderr, /^error: cannot read nope\.yaml: no such file or folder\./)
  // The Pipeline may stand in the file that could not be read.
  assert.not.match(stderr, /dmeo/)
})
