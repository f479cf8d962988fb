import fc from 'fast-check'
import { parseDocuments } from '../../host/config/document.ts'
import { formatYaml, formatYamlDocuments } from '../../host/config/yaml-text.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/yaml-text')

function parse(text: string): unknown[] {
  const { documents, issues } = parseDocuments({ file: 'text', baseDir: '', text })
  assert.equal(issues, [], text)
  return documents.map((document) => document.data)
}

test('writes data the way a person would', () => {
  const data = {
    kind: 'Pipeline',
    name: 'demo',
    flow: [{ filter: 'limit', jumpIf: { rateLimited: 'END' } }],
    filters: [{ name: 'limit', limits: [1, 2], empty: [], none: {} }],
  }
  const text = `kind: Pipeline
name: demo
flow:
  - filter: limit
    jumpIf:
      rateLimited: END
filters:
  - name: limit
    limits:
      - 1
      - 2
    empty: []
    none: {}
`
  assert.is(formatYaml(data), text)
})

test('quotes what YAML would take for something else', () => {
  const texts = [
    '',
    'true',
    'No',
    '1',
    '1.5',
    'null',
    '~',
    '- a',
    'a: b',
    'a #b',
    '#a',
    '"',
    "'",
    '*a',
    '&a',
  ]
  const data = { texts, lines: 'a\nb', spaces: ' a ', date: '2026-01-01', brace: '{a}' }
  assert.equal(parse(formatYaml(data)), [data])
})

test('reads back as the same data, whatever it is', () => {
  const key = fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__')
  const value = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('object')),
    leaf: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0 || 0),
      fc.boolean(),
      fc.constant(null),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  })).value
  fc.assert(
    fc.property(
      fc.dictionary(key, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      (data) => {
        assert.equal(parse(formatYaml(data)), [data])
      },
    ),
    { numRuns: 300 },
  )
})

test('several documents come back as several', () => {
  assert.equal(parse(formatYamlDocuments([{ a: 1 }, { b: [] }])), [{ a: 1 }, { b: [] }])
})

test('no control character is written raw', () => {
  const text = formatYaml({ a: '\x1b[2J\x9b\u2028\x7f\0', '\x9b': 1 })
  assert.not.match(text.replaceAll('\n', ''), /[\x00-\x1f\x7f-\x9f\u2028\u2029]/)
})
