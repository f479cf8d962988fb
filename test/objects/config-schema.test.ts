import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseDocuments } from '../../host/config/document.ts'
import { configSchema, configSchemaText } from '../../host/objects/config-schema.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/config-schema')

type Schema = { readonly [key: string]: unknown }

const schema: Schema = configSchema()

/** What an editor would complain about; only what the schema uses is understood. */
function problems(value: unknown, one: unknown, path: string): string[] {
  if (typeof one !== 'object' || one === null) return []
  const rule = one as Schema
  const found: string[] = []
  const complain = (what: string): void => void found.push(`${path}: ${what}`)
  if (typeof rule['$ref'] === 'string') {
    const name = rule['$ref'].replace('#/definitions/', '')
    const definition = (schema['definitions'] as Schema)[name]
    if (definition === undefined) complain(`there is no definition ${name}`)
    found.push(...problems(value, definition, path))
  }
  if (rule['type'] !== undefined && ![rule['type']].flat().includes(typeOf(value, rule['type']))) {
    complain(`is no ${String(rule['type'])}`)
  }
  if ('const' in rule && value !== rule['const']) complain(`is not ${String(rule['const'])}`)
  if (Array.isArray(rule['enum']) && !rule['enum'].includes(value))
    complain('is none of the values')
  if (typeof rule['pattern'] === 'string' && typeof value === 'string') {
    if (!new RegExp(rule['pattern']).test(value)) complain(`does not match ${rule['pattern']}`)
  }
  for (const name of ['anyOf', 'oneOf']) {
    const choices = rule[name]
    if (!Array.isArray(choices)) continue
    if (!choices.some((choice) => problems(value, choice, path).length === 0)) {
      complain('is none of the choices')
    }
  }
  for (const part of (rule['allOf'] as Schema[] | undefined) ?? []) {
    const holds = problems(value, part['if'], path).length === 0
    if (holds) found.push(...problems(value, part['then'], path))
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      found.push(...problems(item, rule['items'], `${path}[${index}]`))
    }
  } else if (typeof value === 'object' && value !== null) {
    found.push(...objectProblems(value as Schema, rule, path))
  }
  return found
}

function objectProblems(value: Schema, rule: Schema, path: string): string[] {
  const properties = (rule['properties'] ?? {}) as Schema
  const missing = ((rule['required'] as string[] | undefined) ?? []).filter(
    (key) => !(key in value),
  )
  return [
    ...missing.map((key) => `${path}: ${key} is missing`),
    ...Object.entries(value).flatMap(([key, item]) => {
      if (key in properties) return problems(item, properties[key], `${path}.${key}`)
      if (rule['additionalProperties'] === false) return [`${path}.${key}: there is no such field`]
      return problems(item, rule['additionalProperties'], `${path}.${key}`)
    }),
  ]
}

function typeOf(value: unknown, wanted: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  if (Number.isInteger(value) && wanted === 'integer') return 'integer'
  return typeof value
}

const check = (yaml: string): string[] =>
  parseDocuments({ file: 'x.yaml', baseDir: '/', text: yaml }).documents.flatMap(({ data }) =>
    problems(data, schema, ''),
  )

test('every configuration of the plugins and of the templates is valid', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const patterns = [
    'plugins/*/gateway.yaml',
    'plugins/demo.yaml',
    'host/cli/new/templates/*/gateway.yaml',
  ]
  const files = globSync(patterns, { cwd: root })
  assert.ok(files.length >= 6)
  for (const file of files) assert.equal(check(readFileSync(`${root}${file}`, 'utf8')), [], file)
})

test('a misspelled field of an object, a filter or a rule is found at its place', () => {
  assert.equal(check('kind: HTTPServer\nname: a\nport: 1\nprot: 2\nrules: []'), [
    '.prot: there is no such field',
  ])
  const filter =
    'kind: Pipeline\nname: a\nfilters: [{ name: f, kind: WasmHost, code: x, tmeout: 1s }]'
  assert.equal(check(filter), ['.filters[0].tmeout: there is no such field'])
  assert.match(check('kind: Pipeline\nname: a\nfilters: [{ name: f, kind: Mok }]')[0] ?? '', 'kind')
  assert.match(check('kind: Pipline\nname: a')[0] ?? '', '.kind: is none of the values')
})

test('a number may be a reference, and nothing else that is text', () => {
  assert.equal(check('kind: HTTPServer\nname: a\nport: ${env:PORT}\nrules: []'), [])
  assert.equal(check('kind: HTTPServer\nname: a\nport: ${PORT}\nrules: []'), [])
  assert.equal(check('kind: HTTPServer\nname: a\nport: high\nrules: []').length, 1)
})

test('the text is the schema, a line for each definition', () => {
  const text = configSchemaText()
  assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(schema)))
  assert.match(text, /^ {4}"filter\.WasmHost": \{/m)
  assert.match(text, 'Running time of one call of the guest')
})
