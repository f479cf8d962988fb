import { globSync, readdirSync, readFileSync } from 'node:fs'
import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { fieldsOf } from '../../host/objects/reference/fields.ts'
import { type ReferenceKind, referenceKinds } from '../../host/objects/reference/kinds.ts'
import { referencePages } from '../../host/objects/reference/pages.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('docs/reference')

const root = new URL('../../', import.meta.url)
const folder = new URL('docs/reference/', root)

test('the pages are those the schemas make, one for each kind', () => {
  const pages = referencePages()
  assert.equal(readdirSync(folder).sort(), [...pages.keys()].sort(), 'run: node .ci/reference.ts')
  for (const [name, text] of pages) {
    // Line by line: of a page of hundreds of lines only the one that differs is worth reading.
    const written = readFileSync(new URL(name, folder), 'utf8').split('\n')
    for (const [index, line] of text.split('\n').entries()) {
      assert.is(written[index], line, `${name}:${index + 1}: run: node .ci/reference.ts`)
    }
    assert.is(written.length, text.split('\n').length, `${name}: run: node .ci/reference.ts`)
  }
})

/** The example as a whole configuration: a filter or a policy needs a pipeline around it. */
function configurationOf({ group, example }: ReferenceKind): string {
  if (group === 'object') return example
  const entry = example.replace(/^(?=.)/gm, '    ').replace(/^ {4}/, '  - ')
  const pipeline = `kind: Pipeline\nname: example\n`
  if (group === 'filter') return `${pipeline}filters:\n${entry}\n`
  return `${pipeline}filters:\n  - { name: mock, kind: Mock }\nresilience:\n${entry}\n`
}

for (const kind of referenceKinds()) {
  test(`the example of ${kind.kind} is valid, without a warning, and is one of its kind`, () => {
    const text = configurationOf(kind)
    const { objects, issues } = validateSources({
      sources: [{ file: `${kind.kind}.yaml`, baseDir: '/', text }],
      kinds: OBJECT_SPECS,
      filterKinds: FILTER_KINDS,
      lookups: { env: {}, readFile: null },
    })
    assert.equal(issues.map(formatIssue), [])
    assert.ok(objects.length > 0)
    assert.match(kind.example, new RegExp(`^kind: ${kind.kind}$`, 'm'))
  })

  test(`every field of ${kind.kind} says what it is and what it takes`, () => {
    for (const { path, type, description } of fieldsOf(kind)) {
      assert.ok(description !== '', `${kind.kind}.${path} has no description`)
      assert.ok(type !== 'any value', `${kind.kind}.${path} has no type`)
    }
  })
}

test('every filter has a file of its own, and a test of the same name', () => {
  const files = globSync('host/filters/*.ts', { cwd: root.pathname })
  const owners = new Map<string, string>()
  for (const file of files) {
    const source = readFileSync(new URL(file, root), 'utf8')
    const kind = /= defineFilter\(\{\s*kind: '(\w+)'/.exec(source)?.[1]
    if (kind !== undefined) owners.set(kind, file)
  }
  for (const { kind } of FILTER_KINDS) {
    const file = owners.get(kind)
    assert.ok(file !== undefined, `${kind} has no file`)
    const tested = file.replace(/^host/, 'test').replace(/\.ts$/, '.test.ts')
    assert.ok(globSync(tested, { cwd: root.pathname }).length === 1, `${tested} is missing`)
  }
})

test('no name stands for two kinds: it is all that a person gives', () => {
  const names = referenceKinds().map(({ kind }) => kind.toLowerCase())
  assert.is(new Set(names).size, names.length)
})
