import { MAX_CALLER_LENGTH } from '../../host/admin/schemas/caller-name.ts'
import { assert, suite } from '../support/suite.ts'
import { type AdminRig, openRig } from './support.ts'

const test = suite('admin/caller')
let rig: AdminRig

test.before.each(async () => {
  rig = await openRig()
  rig.control.add({
    kind: 'Pipeline',
    name: 'demo',
    filters: [{ name: 'limit', kind: 'WasmHost' }],
  })
})
test.after.each(() => rig.close())

const rollBack = (by: string | null) =>
  rig.send('POST', '/apis/v2/plugins/demo/limit/rollback', {
    headers: { 'x-penstock-by': by },
    type: 'application/json',
    body: '{}',
  })

test('the history gets the address, and whom the caller says it is beside it', async () => {
  assert.is((await rollBack(null)).status, 200)
  for (const name of ['anna', 'ci+release@example.com', 'A.b_c-9', 'x'.repeat(MAX_CALLER_LENGTH)]) {
    assert.is((await rollBack(name)).status, 200, name)
  }
  const by = rig.control.rolledBackBy.map((one) => one.replace(/^::ffff:/, ''))
  assert.equal(by.slice(0, 3), [
    '127.0.0.1',
    '127.0.0.1, said to be anna',
    '127.0.0.1, said to be ci+release@example.com',
  ])
})

test('what is no name is refused before anything is done', async () => {
  const wrong = [
    '',
    'two words',
    'x'.repeat(MAX_CALLER_LENGTH + 1),
    '-x',
    '127.0.0.1, anna',
    'ä',
    '<b>',
  ]
  for (const name of wrong) {
    const answer = await rollBack(name)
    assert.is(answer.status, 400, name)
    assert.is(answer.json().code, 'ADMIN_CALLER')
  }
  assert.equal(rig.control.rolledBackBy, [])
})

test('without the token nobody learns what a name may be', async () => {
  const answer = await rig.send('POST', '/apis/v2/plugins/demo/limit/rollback', {
    headers: { 'x-penstock-by': '<b>', authorization: null },
  })
  assert.is(answer.status, 401)
})
