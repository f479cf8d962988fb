import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import type { StoredNames } from '../../host/objects/object.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/stored-plugin-check')

const STORED: StoredNames = new Map([
  ['limit', ['1.0.0', '1.1.0']],
  ['auth', ['2']],
])

/** What is said of a filter that names this plugin. */
function linesOf(plugin: string, storedPlugins: StoredNames | null = STORED): string[] {
  const text = `name: main\nkind: Pipeline\nfilters:\n  - { name: f, kind: WasmHost, plugin: ${plugin} }\n`
  const source = { file: 'g.yaml', baseDir: '/conf', text }
  const { issues } = validateSources({
    sources: [source],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { env: { WHICH: 'limt' }, readFile: null },
    storedPlugins,
  })
  return issues.map(formatIssue)
}

test('what is stored may be named, with a version and without', () => {
  for (const plugin of ['limit', 'limit@1.0.0', 'limit@1.1.0', 'auth', 'auth@2']) {
    assert.equal(linesOf(plugin), [], plugin)
  }
})

test('a name that is not stored is told where it stands, with what is stored and what to do', () => {
  assert.equal(linesOf('limt'), [
    'g.yaml:4:40: error: there is no plugin "limt" in the store, only limit, auth: "penstock plugin push FILE" stores one (did you mean "limit"?)',
  ])
  assert.match(linesOf('limt@1.1.0')[0] ?? '', '(did you mean "limit@1.1.0"?)')
  assert.match(linesOf('limt@3')[0] ?? '', '(did you mean "limit"?)')
  assert.match(linesOf('other')[0] ?? '', /stores one$/)
})

test('a version that is not stored is told with those that are', () => {
  assert.equal(linesOf('limit@1.2.0'), [
    'g.yaml:4:40: error: the plugin "limit" has no version 1.2.0, only 1.0.0, 1.1.0: "penstock plugin push FILE" stores one (did you mean "limit@1.0.0"?)',
  ])
})

test('a long list is cut short, and an empty store is called one', () => {
  const many = new Map(Array.from({ length: 8 }, (_, i) => [`plugin-${i}`, ['1']] as const))
  assert.match(
    linesOf('x', many)[0] ?? '',
    'only plugin-0, plugin-1, plugin-2, plugin-3, plugin-4 and 3 more:',
  )
  assert.match(linesOf('x', new Map())[0] ?? '', 'in the store, which has nothing:')
})

test('a reference to the environment is followed first', () => {
  assert.match(linesOf('"${env:WHICH}"')[0] ?? '', /^g\.yaml:4:40: error: there is no plugin/)
})

test('without a store nothing is said, and what is no name at all is said once', () => {
  assert.equal(linesOf('limt', null), [])
  assert.is(linesOf('"No Name"').length, 1)
})
