import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdminRig, openRig } from '../admin/support.ts'
import { assert, suite } from '../support/suite.ts'
import { runAgainst } from './support.ts'

const test = suite('cli/plugin-commands')
let rig: AdminRig
let folder = ''

test.before.each(async () => {
  rig = await openRig()
  folder = await mkdtemp(join(tmpdir(), 'penstock-cli-'))
  await writeFile(join(folder, 'limit.wasm'), 'module')
  rig.control.add({
    kind: 'Pipeline',
    name: 'demo',
    filters: [{ name: 'limit', kind: 'WasmHost' }],
  })
})
test.after.each(async () => {
  await rig.close()
  await rm(folder, { recursive: true })
})

const plugin = (line: string) => runAgainst(rig, ['plugin', ...line.split(' ')], { cwd: folder })

test('what a command cannot mean is told, with what to do instead', async () => {
  const cases: [line: string, message: string][] = [
    ['rm demo/limit', '"penstock plugin rollback"'],
    ['rollback limit@1.0.0', '"penstock plugin promote limit@1.0.0"'],
    ['promote limit@', '"limit@" is no plugin: it is PIPELINE/FILTER, NAME or NAME@VERSION'],
    ['promote demo/limit --sticky client', 'push it again'],
    ['inspect demo/limit/more', 'PIPELINE/FILTER'],
    ['push limit.wasm --as limit', '--as NAME@VERSION'],
    ['push limit.wasm --as limit@1 --filter demo/limit', '--as is for the store'],
  ]
  for (const [line, message] of cases) {
    const { code, err } = await plugin(line)
    assert.is(code, 2, line)
    assert.match(err, message)
  }
  assert.is(rig.control.pushed.length, 0)
})

test('every command shows how it is used', async () => {
  for (const name of ['ls', 'push', 'inspect', 'promote', 'rollback', 'rm']) {
    const { code, out } = await plugin(`${name} --help`)
    assert.is(code, 0)
    assert.match(out, `penstock plugin ${name}`)
  }
  assert.match((await plugin('push --help')).out, /--canary <share>[\s\S]*--promote-after <time>/)
})

test('what is in a body is checked before anything is done', async () => {
  const send = (path: string, body: string) =>
    rig.send('POST', `/apis/v2/${path}`, { type: 'application/json', body })
  const cases: [path: string, body: string, message: string][] = [
    ['plugins/demo/limit/promote', '{"canry":"5%"}', 'there is no field canry'],
    ['plugins/demo/limit/promote', '{"canary":5}', 'the field canary must be text'],
    ['plugins/demo/limit/rollback', '[]', 'it is no JSON object'],
    ['plugins/demo/limit/rollback', '{', 'the body cannot be used'],
    ['plugin-store/limit/promote', '{"canary":"all"}', '"all" is no share'],
    ['plugin-store/limit/promote', '{"sticky":"client"}', 'give canary too'],
  ]
  for (const [path, body, message] of cases) {
    const answer = await send(path, body)
    assert.is(answer.status, 400, body)
    assert.match(answer.json().message, message)
  }
})
