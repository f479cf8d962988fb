import fc from 'fast-check'
import { documentOf } from '../../../host/config/document.ts'
import { formatIssue } from '../../../host/config/issues.ts'
import { validateDocuments } from '../../../host/control/validate.ts'
import { OBJECT_SPECS } from '../../../host/objects/specs.ts'
import { assert, suite } from '../../support/suite.ts'
import { filterKinds, filters, linesOf, pipeline, run, server } from '../validation.ts'

const test = suite('control/validate/documents')

test('turns valid documents into specs', () => {
  const { objects, issues } = run(
    {
      'p.yaml': pipeline(
        `${filters}flow:\n  - filter: a\n    jumpIf: { closed: END }\n  - filter: b\n`,
      ),
      's.json': JSON.stringify({
        name: 's',
        kind: 'HTTPServer',
        port: '${PORT}',
        rules: [{ paths: [{ pathPrefix: '/', backend: 'demo' }] }],
      }),
    },
    { PORT: '10080' },
  )
  assert.equal(issues, [])
  const [first, second] = objects
  assert.is(first?.kind, 'Pipeline')
  assert.is(first?.name, 'demo')
  assert.is(first?.file, 'p.yaml')
  assert.is(first?.baseDir, '/conf')
  assert.equal(first?.spec, {
    name: 'demo',
    kind: 'Pipeline',
    labels: {},
    flow: [
      { filter: 'a', jumpIf: { closed: 'END' } },
      { filter: 'b', jumpIf: {} },
    ],
    filters: [
      {
        name: 'a',
        kind: 'Gate',
        spec: { limit: 50, period: 10 },
        json: { name: 'a', kind: 'Gate' },
      },
      {
        name: 'b',
        kind: 'Note',
        spec: { text: 'x' },
        json: { name: 'b', kind: 'Note', text: 'x' },
      },
    ],
    resilience: [],
    data: {},
    drainTimeout: 0,
  })
  // What may be shown keeps the reference; what is compared and used has its value.
  assert.is(second?.raw['port'], '${PORT}')
  assert.is(second?.resolved['port'], 10_080)
})

test('reports problems of kind and name', () => {
  const kinds = OBJECT_SPECS.map(({ kind }) => kind).join(', ')
  const cases: [text: string, ...lines: string[]][] = [
    ['name: x', `1:1: error: \`kind\` is missing: it is one of ${kinds}`],
    ['name: x\nkind:', `2:1: error: \`kind\` is missing: it is one of ${kinds}`],
    ['name: x\nkind: [a]', `2:7: error: \`kind\` must be text: it is one of ${kinds}`],
    [
      'name: x\nkind: HttpServr',
      '2:7: error: there is no kind "HttpServr" (did you mean "HTTPServer"?)',
    ],
    ['name: x\nkind: MeshController', '2:7: error: the kind "MeshController" is not supported yet'],
    [
      'name: x\nkind: GlobalFilter',
      '1:7: error: a GlobalFilter needs `beforePipeline` or `afterPipeline`, or it does nothing',
    ],
    [`kind: Pipeline\n${filters}`, '1:1: error: `name` is missing'],
    [
      `name: 5\nkind: Pipeline\n${filters}`,
      '1:7: error: `name` takes text, not the number 5: put it in quotes',
    ],
    [
      `name: front\nkind: Pipeline\n${filters}`,
      '1:7: error: "front" is the name of a HTTPServer already; an object keeps its kind',
    ],
    [`name: running\nkind: Pipeline\n${filters}`],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(text), lines, text)
})

test('reports a name that is taken, across files and kinds', () => {
  const { issues, objects } = run({
    'a.yaml': pipeline(filters),
    'b.yaml': `${server('').replace('name: s', 'name: demo')}\n---\n${pipeline(filters)}`,
  })
  assert.equal(issues.map(formatIssue), [
    'b.yaml:1:7: error: "demo" is the name of another object already, in a.yaml:1',
    'b.yaml:6:7: error: "demo" is the name of another object already, in a.yaml:1',
  ])
  assert.equal(
    objects.map((object) => object.kind),
    ['Pipeline'],
  )
})

test('finds a backend in another file, and one that has problems of its own', () => {
  const front = server('rules: [{ paths: [{ backend: demo }] }]')
  assert.equal(run({ 'a.yaml': front, 'b.yaml': pipeline(filters) }).issues, [])
  assert.is(run({ 'a.yaml': front, 'b.yaml': pipeline('filters: []') }).issues.length, 1)
})

test('does not miss an object that may stand in the part that could not be read', () => {
  const front = server('rules: [{ paths: [{ backend: demo }] }]')
  const broken = pipeline('filters: [}')
  const { issues } = run({ 'a.yaml': front, 'b.yaml': broken })
  assert.ok(issues.length > 0 && issues.every((issue) => issue.position?.file === 'b.yaml'))
})

test('reports all problems of all files in the order of the texts', () => {
  const { issues } = run({
    'z.yaml': `${pipeline('flow: [{ filter: x }]\nfilters: [{ name: a, kind: Gate, limit: 0 }]\nextra: 1')}\n---\na: 1\na: 2`,
    'a.yaml': server('http3: true'),
  })
  assert.equal(issues.map(formatIssue), [
    'z.yaml:3:18: error: there is no filter "x" in this pipeline',
    'z.yaml:4:41: error: `limit` takes at least 1, not the number 0',
    'z.yaml:5:1: error: unknown field `extra`',
    'z.yaml:8:1: error: the key `a` stands here twice, first in line 7',
    'a.yaml:4:1: error: `http3` is not supported yet: clients speak HTTP/2 over `https`',
  ])
})

test('places problems behind an alias where the value stands', () => {
  const text = pipeline(
    'data: { shared: &shared { name: a, kind: Gate, limt: 1 } }\nfilters: [*shared]',
  )
  assert.equal(linesOf(text), ['3:48: error: unknown field `limt` (did you mean "limit"?)'])
})

test('reports a variable that is not set once, and prints no value of another', () => {
  const text = server(
    'address: ${NOPE}\nmaxConnections: ${SECRET}\nrules:\n  - paths:\n      - backend: ${SECRET}\n      - backend: ${ALSO_NOPE}',
  )
  assert.equal(linesOf(text, { SECRET: 'hunter2' }), [
    '4:10: error: the environment variable NOPE is not set and has no default',
    '5:17: error: `maxConnections` takes a number, not the value of "${SECRET}"',
    '8:18: error: there is no Pipeline "${SECRET}"',
    '9:18: error: the environment variable ALSO_NOPE is not set and has no default',
  ])
})

test('takes name and kind from variables too', () => {
  const text = `name: \${NAME}\nkind: \${env:KIND}\n${filters}`
  const { objects, issues } = run({ 'g.yaml': text }, { NAME: 'demo', KIND: 'Pipeline' })
  assert.equal(issues, [])
  assert.is(objects[0]?.name, 'demo')
  assert.equal(linesOf(`name: \${NAME}\nkind: Pipeline\n${filters}`), [
    '1:7: error: the environment variable NAME is not set and has no default',
  ])
  assert.equal(linesOf(`name: a\nkind: \${KIND}`), [
    '2:7: error: the environment variable KIND is not set and has no default',
  ])
})

test('validates data without a text by its path', () => {
  const data = { name: 'demo', kind: 'Pipeline', filters: [{ name: 'a', kind: 'Gate', limt: 1 }] }
  const again = { name: 'demo', kind: 'Pipeline', filters: [{ name: 'a', kind: 'Gate' }] }
  const { issues } = validateDocuments({
    documents: [documentOf(data, '/conf'), documentOf(again, '/conf')],
    kinds: OBJECT_SPECS,
    filterKinds,
  })
  assert.equal(
    issues.map(({ path, position, message }) => [path, position, message]),
    [
      ['filters[0].limt', null, 'unknown field `limt`'],
      ['name', null, '"demo" is the name of another object already, in `name`'],
    ],
  )
})

test('reads no file for a document that came over the network', () => {
  const data = { name: 's', kind: 'HTTPServer', port: 1, address: '${file:/etc/hostname}' }
  const { issues } = validateDocuments({
    documents: [documentOf(data, '/conf')],
    kinds: OBJECT_SPECS,
    filterKinds,
  })
  assert.equal(
    issues.map(({ message }) => message),
    ['"${file:/etc/hostname}" is not allowed here: files are read for files only'],
  )
})

test('never throws, whatever a document holds', () => {
  const word = fc.constantFrom(
    ...[
      'name',
      'kind',
      'flow',
      'filters',
      'jumpIf',
      'filter',
      'alias',
      'rules',
      'paths',
      'backend',
    ],
    ...['hosts', 'value', 'isRegexp', 'headers', 'key', 'values', 'regexp', 'labels', 'resilience'],
  )
  const leaf = fc.oneof(
    fc.constantFrom(
      'Pipeline',
      'HTTPServer',
      'Gate',
      'a',
      'b',
      'END',
      '',
      '${X}',
      '(',
      '__proto__',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  }))
  const object = fc.record(
    {
      name: fc.oneof(value, fc.constantFrom('a', 'b')),
      kind: fc.constantFrom('Pipeline', 'HTTPServer'),
      flow: fc.array(
        fc.record({ filter: value, alias: value, jumpIf: value }, { requiredKeys: [] }),
      ),
      filters: fc.array(fc.record({ name: value, kind: value }, { requiredKeys: [] })),
      rules: value,
    },
    { requiredKeys: ['kind'] },
  )
  fc.assert(
    fc.property(fc.array(object, { maxLength: 3 }), (documents) => {
      const text = documents.map((document) => JSON.stringify(document)).join('\n---\n')
      const { objects, issues } = run({ 'g.yaml': text })
      const errors = issues.filter((issue) => issue.severity === 'error')
      if (errors.length === 0) assert.is(objects.length, documents.length)
    }),
    { numRuns: 1_000 },
  )
})
