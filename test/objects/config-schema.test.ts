import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseDocuments } from '../../host/config/document.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { configSchema, configSchemaText } from '../../host/objects/config-schema.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
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

test('a field that may be left out may have nothing in it, as for the gateway', () => {
  const yaml = (more: string): string =>
    `kind: HTTPServer\nname: a\nport: 1\n${more}rules: [{ host:, paths: [{ path:, headers:, backend: b }] }]`
  const empty = 'cacheSize:\nrouterKind:\nipFilter:\nkeepAliveTimeout: null\nlabels: { a: }\n'
  assert.equal(check(yaml(empty)), [])
  const filters = `kind: Pipeline
name: b
flow:
data:
filters:
  - { name: f, kind: Proxy, pools: [{ servers: [{ url: "http://a", weight: }], loadBalance:, memoryCache: }] }
  - { name: g, kind: Redirector, match: a, replacement: b, matchPart:, statusCode: }`
  assert.equal(check(filters), [])
  const text = [yaml(empty), filters].join('\n---\n')
  const { issues } = validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
  })
  assert.equal(issues, [])
  assert.equal(check(yaml('').replace('port: 1', 'port:')), ['.port: is none of the choices'])
  assert.equal(check(yaml('cacheSize: []\n')), ['.cacheSize: is none of the choices'])
})

test('the text is the schema, a line for each definition', () => {
  const text = configSchemaText()
  assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(schema)))
  assert.match(text, /^ {4}"filter\.WasmHost": \{/m)
  assert.match(text, 'Running time of one call of the guest')
})

/** Every field below a definition, with its schema. */
function fieldsIn(rule: unknown, path: string): [string, Schema][] {
  if (typeof rule !== 'object' || rule === null) return []
  const one = rule as Schema
  const own = Object.entries((one['properties'] ?? {}) as Schema).flatMap(([name, field]) => {
    const at = `${path}.${name}`
    return [[at, field] as [string, Schema], ...fieldsIn(field, at)]
  })
  const choices = [
    ...((one['anyOf'] ?? []) as unknown[]),
    one['items'],
    one['additionalProperties'],
  ]
  return [...own, ...choices.flatMap((inner) => fieldsIn(inner, path))]
}

test('every field has a description, and a default where it has one, for the hover of an editor', () => {
  const definitions = Object.entries(schema['definitions'] as Schema)
  const fields = definitions.flatMap(([name, one]) => fieldsIn(one, name))
  assert.ok(fields.length > 300, String(fields.length))
  for (const [path, field] of fields) {
    if (/\.kind$/.test(path)) continue
    assert.is(typeof field['description'], 'string', `${path} has no description`)
  }
  const found = new Map(fields)
  assert.is(found.get('filter.RateLimiter.policies.limitForPeriod')?.['default'], 50)
  assert.is(found.get('filter.Proxy.pools.timeout')?.['default'], '15s')
  assert.is(found.get('object.HTTPServer.keepAlive')?.['default'], true)
  assert.equal(found.get('object.HTTPServer.rules')?.['default'], [])
})

test('it is JSON Schema of the draft that editors read, every reference in it leads somewhere', () => {
  assert.is(schema['$schema'], 'http://json-schema.org/draft-07/schema#')
  const text = configSchemaText()
  const definitions = schema['definitions'] as Schema
  const references = [...text.matchAll(/"\$ref":\s*"([^"]*)"/g)].map((match) => match[1] ?? '')
  assert.ok(references.length > 20)
  for (const reference of references) {
    const name = /^#\/definitions\/(.+)$/.exec(reference)?.[1] ?? ''
    assert.ok(Object.hasOwn(definitions, name), reference)
  }
})

test('the line that names it for an editor is a comment for everything else', () => {
  const yaml = `# yaml-language-server: $schema=gateway.schema.json
kind: Pipeline
name: main
filters:
  - name: limit
    kind: RateLimiter
    version: easegress.megaease.com/v2
    policies: [{ name: a, limitForPeriod: 5 }]
    urls: [{ url: { prefix: / }, policyRef: a }]
resilience: [{ name: again, kind: Retry }]
`
  assert.equal(check(yaml), [])
  assert.equal(check(yaml.replace('limitForPeriod: 5', 'limitForPeriod: none')).length, 1)
  assert.equal(check(yaml.replace('kind: Retry', 'kind: Retry, maxAttemps: 1')), [
    '.resilience[0].maxAttemps: there is no such field',
  ])
})
