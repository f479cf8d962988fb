import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { EASEGRESS_OBJECT_KINDS } from '../../host/objects/object.ts'
import { EASEGRESS_FILTER_KINDS } from '../../host/objects/pipeline-spec.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/later-kinds')

/** The problems of a configuration, as `line:column: error: …`. */
function problemsOf(text: string): string[] {
  const { issues } = validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { env: {}, readFile: null },
  })
  return issues.map((issue) => formatIssue(issue).replace('x.yaml:', ''))
}

const isServed = (kind: string): boolean => FILTER_KINDS.some((one) => one.kind === kind)

for (const kind of EASEGRESS_FILTER_KINDS) {
  if (isServed(kind)) continue
  test(`the filter ${kind} comes later, and the error says so and nothing else`, () => {
    const text = `kind: Pipeline\nname: p\nfilters:\n  - name: f\n    kind: ${kind}\n    some: field\n`
    assert.equal(problemsOf(text), [`5:11: error: the filter kind "${kind}" is not supported yet`])
  })
}

for (const kind of EASEGRESS_OBJECT_KINDS) {
  test(`the object ${kind} comes later, and the error says so and nothing else`, () => {
    assert.equal(problemsOf(`name: o\nkind: ${kind}\nsome: field\n`), [
      `2:7: error: the kind "${kind}" is not supported yet`,
    ])
  })
}

test('plugins in a process of their own come later, and the error says what there is meanwhile', () => {
  const pipeline = (isolation: string): string =>
    `kind: Pipeline\nname: p\nfilters:\n  - name: f\n    kind: WasmHost\n    code: a.wasm\n    isolation: ${isolation}\n`
  assert.equal(problemsOf(pipeline('process')), [
    '7:16: error: `isolation: process` is not supported yet: use `worker`, and a gateway of its own for plugins that must not share a process with others',
  ])
  assert.equal(problemsOf(pipeline('proces')), [
    '7:16: error: `isolation` takes one of "worker", "inline", not "proces"',
  ])
})

test('a filter that comes later can be in the flow and have jumps: its kind is the one problem', () => {
  const text = `kind: Pipeline
name: p
flow: [{ filter: login, jumpIf: { oidcFiltered: END } }, { filter: mock }]
filters:
  - { name: login, kind: OIDCAdaptor, clientId: me }
  - { name: mock, kind: Mock }
`
  assert.equal(problemsOf(text), [
    '5:26: error: the filter kind "OIDCAdaptor" is not supported yet',
  ])
})

const filterWith = (fields: string): string =>
  `kind: Pipeline\nname: p\nfilters:\n  - name: f\n${fields.replace(/^/gm, '    ')}\n`

test('users in etcd and in LDAP come later', () => {
  const etcd = 'kind: Validator\nbasicAuth: { mode: ETCD, etcdPrefix: /users }'
  assert.equal(problemsOf(filterWith(etcd)), [
    '6:24: error: the modes ETCD and LDAP are not supported yet: use FILE',
    '6:30: error: `etcdPrefix` is not supported yet: keep the users in `userFile`',
  ])
  const ldap =
    'kind: Validator\nbasicAuth: { mode: LDAP, ldap: { host: a, port: 389, baseDN: b, uid: c } }'
  assert.equal(problemsOf(filterWith(ldap)), [
    '6:24: error: the modes ETCD and LDAP are not supported yet: use FILE',
    '6:30: error: `ldap` is not supported yet: keep the users in `userFile`',
  ])
  assert.equal(problemsOf(filterWith('kind: Validator\nbasicAuth: { mode: FILE }')), [
    '6:16: error: the mode FILE needs `userFile`',
  ])
})
