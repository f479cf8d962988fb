import fc from 'fast-check'
import { MAX_DEPTH, MAX_VALUES } from '../../host/config/data-limits.ts'
import {
  documentOf,
  MAX_DOCUMENTS,
  MAX_SYNTAX_ERRORS,
  parseDocuments,
} from '../../host/config/document.ts'
import { ConfigError, formatIssue } from '../../host/config/issues.ts'
import type { JsonPath } from '../../host/config/json.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/document', { timeoutMs: 60_000 })

const parse = (text: string) => parseDocuments({ file: 'x.yaml', baseDir: '/conf', text })
const dataOf = (text: string) => parse(text).documents.map((document) => document.data)
const linesOf = (text: string) => parse(text).issues.map(formatIssue)

function place(text: string, path: JsonPath, at?: 'key' | 'value'): string {
  const position = parse(text).documents[0]?.locate(path, at)
  return position === undefined || position === null
    ? 'nowhere'
    : `${position.line}:${position.column}`
}

test('reads documents one after another and leaves empty ones out', () => {
  assert.equal(dataOf('a: 1\n---\n# nothing\n---\n---\nb: [x, 2.5, true, null]\n...\n'), [
    { a: 1 },
    { b: ['x', 2.5, true, null] },
  ])
  assert.equal(dataOf(''), [])
  assert.equal(dataOf('# only a comment\n'), [])
})

test('reads scalars by the core schema of YAML 1.2', () => {
  const text =
    'a: yes\nb: 0o10\nc: 010\nd: 2024-01-01\ne: ~\nf: 0x1F\ng: 1e3\nh: on\ni: "1"\n1: one'
  assert.equal(dataOf(text), [
    {
      a: 'yes',
      b: 8,
      c: 10,
      d: '2024-01-01',
      e: null,
      f: 31,
      g: 1000,
      h: 'on',
      i: '1',
      '1': 'one',
    },
  ])
})

test('reads JSON, indented with tabs too', () => {
  const text = JSON.stringify({ kind: 'Pipeline', list: [1, { 'a b': '\u2028"\\' }] }, null, '\t')
  assert.equal(dataOf(text), [JSON.parse(text)])
  assert.is(place(text, ['list', 1, 'a b'], 'key'), '6:4')
})

test('reads a byte order mark and both line ends', () => {
  assert.equal(dataOf('\uFEFFa: 1\r\nb:\r\n  - "x"\r\n'), [{ a: 1, b: ['x'] }])
  assert.is(place('\uFEFFa: 1\r\nb: 2', ['a']), '1:4')
  assert.is(place('\uFEFFa: 1\r\nb: 2', ['b']), '2:4')
})

test('finds the place of keys and of values', () => {
  const text = 'a:\n  - b: 1\n    "c d": {e: [5, 6]}\nf:\ng: &x\n  h: 1\ni: *x\n'
  const cases: [JsonPath, 'key' | 'value', string][] = [
    [[], 'value', '1:1'],
    [['a'], 'key', '1:1'],
    [['a'], 'value', '2:3'],
    [['a', 0], 'value', '2:5'],
    [['a', 0, 'b'], 'key', '2:5'],
    [['a', 0, 'b'], 'value', '2:8'],
    [['a', 0, 'c d'], 'key', '3:5'],
    [['a', 0, 'c d', 'e', 1], 'value', '3:20'],
    // An empty value, an alias, and what is not there.
    [['f'], 'value', '4:1'],
    [['i', 'h'], 'value', '6:6'],
    [['i'], 'value', '7:4'],
    [['a', 0, 'missing'], 'value', '2:5'],
    [['a', 7, 'x'], 'value', '2:3'],
    [['nothing', 'at', 'all'], 'key', '1:1'],
  ]
  for (const [path, at, wanted] of cases) assert.is(place(text, path, at), wanted, `${path} ${at}`)
})

test('counts columns in characters, not in code units or bytes', () => {
  assert.is(place('{"é": 1, b: 2}', ['b']), '1:13')
  assert.is(place('{"😀": 1, b: 2}', ['b']), '1:13')
})

test('reports problems of syntax with their place', () => {
  const cases: [text: string, ...lines: string[]][] = [
    ['a: 1\na: 2', 'x.yaml:2:1: error: the key `a` stands here twice, first in line 1'],
    [
      '{"a": 1, "b": 1, "a": 2}',
      'x.yaml:1:18: error: the key `a` stands here twice, first in line 1',
    ],
    [
      'a: 1\na: 2\na: 3',
      'x.yaml:2:1: error: the key `a` stands here twice, first in line 1',
      'x.yaml:3:1: error: the key `a` stands here twice, first in line 1',
    ],
    ['a:\n\tb: 1', 'x.yaml:2:1: error: tabs are not allowed as indentation: use spaces'],
    [
      'a: b: c',
      'x.yaml:1:4: error: a second ": " in one line: put the value in quotes, or begin a new line',
    ],
    ['a: "x', 'x.yaml:1:6: error: missing closing "quote'],
    [
      'a: [1, 2',
      'x.yaml:1:9: error: flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a: !!binary eA==', 'x.yaml:1:4: error: the tag tag:yaml.org,2002:binary is not supported'],
    ['a: !secret x', 'x.yaml:1:4: error: the tag !secret is not supported'],
    ['? [a]\n: b', 'x.yaml:1:3: error: a key must be text'],
    ['a: *nobody', 'x.yaml:1:4: error: no anchor &nobody stands before this alias'],
    ['a: &x\n  b: *x', 'x.yaml:2:6: error: the alias *x stands inside its own anchor'],
    [
      'a: .inf',
      'x.yaml:1:4: error: not a number JSON can hold: put it in quotes if it is meant as text',
    ],
    [
      'a: &x {b: 1}\nc:\n  <<: *x',
      'x.yaml:3:3: error: merge keys (<<) are not part of YAML 1.2: write the fields out',
    ],
    ['a: {b: ${env:X}}', 'x.yaml:1:9: error: a reference inside { } or [ ] must be in quotes'],
    ['- a', 'x.yaml:1:1: error: a document must be a mapping with the fields kind and name'],
    ['hello', 'x.yaml:1:1: error: a document must be a mapping with the fields kind and name'],
    ['%YAML 3.1\n---\na: 1', 'x.yaml:1:7: warning: unsupported YAML version 3.1'],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(text), lines, text)
})

test('leaves only the broken document out', () => {
  const { documents, issues } = parse('a: 1\n---\nb: 1\nb: 2\n---\nc: 3\n')
  assert.equal(
    documents.map((document) => document.data),
    [{ a: 1 }, { c: 3 }],
  )
  assert.is(issues.length, 1)
})

test('takes names of the prototype as ordinary keys and refuses __proto__', () => {
  const [data] = dataOf('constructor: 1\ntoString: {hasOwnProperty: x}\nvalueOf: []')
  assert.equal(Object.keys(data ?? {}), ['constructor', 'toString', 'valueOf'])
  for (const text of ['__proto__: {polluted: 1}', '{"a": {"__proto__": {"polluted": 1}}}']) {
    assert.match(linesOf(text)[0] ?? '', /the key `__proto__` is not allowed/)
    assert.equal(dataOf(text), [])
  }
  assert.is(Reflect.get({}, 'polluted'), undefined)
})

test('stops at the depth limit, whatever the nesting is made of', () => {
  const depths: ((depth: number) => string)[] = [
    (depth) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`,
    (depth) => `${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`,
    (depth) => Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    (depth) => `a:\n ${'- '.repeat(depth)}1`,
  ]
  for (const nest of depths) {
    assert.equal(linesOf(nest(MAX_DEPTH - 2)), [])
    for (const depth of [MAX_DEPTH + 2, 2_000]) {
      const lines = linesOf(nest(depth))
      assert.is(lines.length, 1)
      assert.match(lines[0] ?? '', /nested deeper than 100 levels/)
    }
  }
})

test('stops at the depth limit when aliases nest', () => {
  const lines = ['a0: &a0 [x]']
  for (let i = 1; i <= MAX_DEPTH; i++) lines.push(`a${i}: &a${i} [*a${i - 1}]`)
  assert.match(linesOf(lines.join('\n'))[0] ?? '', /nested deeper than 100 levels/)
})

test('stops when aliases multiply, at once', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 20; i++) {
    lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`)
  }
  const startedAt = performance.now()
  const found = linesOf(lines.join('\n'))
  assert.ok(performance.now() - startedAt < 5_000)
  assert.is(found.length, 1)
  assert.match(found[0] ?? '', new RegExp(`the document holds more than ${MAX_VALUES} values`))
})

test('stops at too many documents and at too large a text', () => {
  assert.match(linesOf('---\n'.repeat(MAX_DOCUMENTS * 3))[0] ?? '', /too large: split it/)
  assert.match(linesOf(`a: [${'1,'.repeat(1_000_000)}]`)[0] ?? '', /too large: split it/)
})

test('shows a bounded number of syntax errors', () => {
  const text = Array.from({ length: 500 }, (_, i) => `k${i}: "\\x"`).join('\n')
  const count = linesOf(text).length
  assert.ok(count > 1 && count <= MAX_SYNTAX_ERRORS, String(count))
})

test('finds equal keys of a large mapping in linear time', () => {
  const text = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join('\n')
  const startedAt = performance.now()
  assert.is(linesOf(`${text}\nk0: 2`).length, 1)
  assert.ok(performance.now() - startedAt < 10_000)
})

test('wraps data that has no text', () => {
  const document = documentOf({ kind: 'Pipeline' }, '/conf')
  assert.is(document.locate(['kind']), null)
  assert.equal(document.data, { kind: 'Pipeline' })
  assert.is(document.isLocal, false)
})

test('refuses data without a text for the same reasons as a text', () => {
  const refusal = (text: string): string => {
    try {
      documentOf(JSON.parse(text), '')
      return 'taken'
    } catch (error) {
      return error instanceof ConfigError ? error.message : String(error)
    }
  }
  const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
  assert.is(refusal(nested(MAX_DEPTH - 2)), 'taken')
  for (const depth of [MAX_DEPTH + 1, 100_000]) {
    assert.is(refusal(nested(depth)), 'error: nested deeper than 100 levels')
  }
  assert.is(
    refusal('{"a": [{"__proto__": {"x": 1}}]}'),
    'error: the key `__proto__` is not allowed',
  )
  assert.match(refusal(`{"a": [${'1,'.repeat(MAX_VALUES)}1]}`), /more than 500000 values/)
})

test('never throws, and places every issue inside the text', () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      'b: ',
      '- ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '\n',
      '\r\n',
      '\t',
      '  ',
      '---\n',
    ],
    ...[
      '&x ',
      '*x',
      '!t ',
      '|',
      '>',
      '#',
      '%',
      '? ',
      '<<',
      '__proto__',
      '\uFEFF',
      '\0',
      '😀',
      '1',
      '~',
    ],
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    fc.json(),
  )
  fc.assert(
    fc.property(text, (source) => {
      const { documents, issues } = parse(source)
      const lines = source.split('\n')
      for (const { position } of issues) {
        if (position === null) throw new TypeError('an issue of a text has a place')
        const line = lines[position.line - 1]
        if (line === undefined || position.column > Array.from(line).length + 1) {
          throw new RangeError(`${position.line}:${position.column} is outside`)
        }
      }
      for (const document of documents) {
        if (JSON.stringify(document.data) === undefined) throw new TypeError('not JSON')
        document.locate(['a', 0, 'b'])
      }
    }),
    { numRuns: 3_000 },
  )
})

test('reads back any JSON object', () => {
  const key = fc.string().filter((name) => name !== '__proto__')
  const { object } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  }))
  fc.assert(
    fc.property(object, (data) => {
      const text = JSON.stringify(data)
      assert.is(JSON.stringify(dataOf(text)[0]), text)
    }),
    { numRuns: 500 },
  )
})
