import { parseAnyYaml, parseYamlText } from '../../host/config/document.ts'
import type { JsonValue } from '../../host/config/json.ts'
import { readPlainYaml } from '../../host/config/plain-yaml.ts'
import { createPrng, type Prng, testSeed } from '../support/prng.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/plain-yaml')

/** More of them: PLAIN_YAML_TEXTS=2000000 */
const TEXTS = Number(process.env['PLAIN_YAML_TEXTS'] ?? 4_000)

/** What templates of builders usually make. */
const USUAL = [
  '',
  '\n\n  result1\n',
  'statusCode: 200\n',
  'method: POST\nurl: /audit?user=ada%20b&x=1:2\nbody: \'{"path": "it\'\'s"}\'\n',
  'url: http://127.0.0.1:9095/a\nheaders:\n  X-A:\n  - one\n  - "two, three"\n  X-B: [1, "b", c d]\n',
  'statusCode: 503\nheaders: { Retry-After: ["60"], X-A: [a] }\nbody: have a rest\n',
  'body: |\n  {"a": 1,\n    "b": "x"}\n\n  # no comment\n\nstatusCode: 201\n',
  'body: |-\n  one\n\n\n',
  'id: 12\ntotal: -12.50\nisPaid: true\nnote: null\nname: Grüße 🚀\nlast:\n',
  'formData:\n  title: { value: "a b" }\n  file:\n    fileName: "f.txt"\n    value: "line\\nline \\u00e9"\n',
  '- a\n- "b"\n- 3\n- [1, 2]\n',
  '[1, 2.5, {a: b}, [], {}]',
]

test('the usual documents are read, and as the whole parser reads them', () => {
  for (const text of USUAL) {
    const plain = readPlainYaml(text)
    assert.not.equal(plain, undefined, text)
    assert.equal(plain, parseAnyYaml(text), text)
  }
})

test('what is not simple is left to the whole parser', () => {
  for (const text of [
    'a: 1\na: 2',
    'a: b: c',
    'a: [1, 2',
    'a: "open',
    'a: b\n  c',
    'a: # comment',
    'a: !!str 1',
    'a: &b 1\nc: *b',
    'a: >\n  folded',
    'a: |2\n   text',
    'a: 0x10',
    'a: 1e3',
    'a: 2024-01-01',
    'a: ~',
    'a:\tb',
    '__proto__: 1',
    '{__proto__: 1}',
    '--- a\n--- b',
    'a: |\n\n  text',
    '? a',
    '"a": 1',
    'a: \ud800',
  ]) {
    assert.is(readPlainYaml(text), undefined, text)
  }
  assert.throws(() => parseYamlText('a: 1\na: 2'), 'stands here twice')
  assert.equal(parseYamlText('a: 0x10'), { a: 16 })
})

test('a text made at random is read as the whole parser reads it, or not at all', () => {
  const prng = createPrng(testSeed())
  let read = 0
  for (let i = 0; i < TEXTS; i++) {
    const text = prng.below(2) === 0 ? randomText(prng) : changed(prng, pick(prng, USUAL))
    const plain = readPlainYaml(text)
    if (plain === undefined) continue
    read += 1
    assert.equal(plain, wholeOf(text), JSON.stringify(text))
  }
  assert.ok(read > TEXTS / 20, `${read} of ${TEXTS} were read`)
})

test('a deep or a long one is left to the whole parser', () => {
  const deep = Array.from({ length: 40 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
  assert.is(readPlainYaml(deep), undefined)
  assert.is(readPlainYaml(`a: ${'['.repeat(40)}${']'.repeat(40)}`), undefined)
  assert.is(readPlainYaml(`a: [${'1,'.repeat(20_000)}1]`), undefined)
  const long = `body: |\n${'  a line of text\n'.repeat(50_000)}`
  assert.equal(readPlainYaml(long), { body: 'a line of text\n'.repeat(50_000) })
})

/** The word "refused" for what it refuses: the plain reader must not have read it. */
function wholeOf(text: string): JsonValue {
  try {
    return parseAnyYaml(text)
  } catch {
    return 'refused by the whole parser'
  }
}

/** Pieces that mean something to YAML, or nearly. */
const PIECES = [
  ...['a', 'b', 'key', 'X-A', 'body', 'true', 'null', 'No', '1', '-1', '0', '1.5', '.5', '1_000'],
  ...[
    '12abc',
    '0o7',
    '0x1f',
    '1e5',
    '-',
    '- ',
    '-  ',
    '--',
    '---',
    '...',
    '?',
    '? ',
    ':',
    ': ',
    ':  ',
  ],
  ...[' #', '#', '"', "'", "''", '\\', '\\n', '\\"', '\\x41', '|', '|-', '|+', '>', '|2', '[', ']'],
  ...[
    '{',
    '}',
    ', ',
    ',',
    '&x',
    '*x',
    '!t',
    '!',
    '%',
    '@',
    '`',
    '~',
    '<<',
    '=',
    '/',
    '/a/b',
    'http://x:1/',
  ],
  ...[
    'é',
    '🚀',
    '\u00a0',
    '\u2028',
    '.inf',
    '-.5',
    '+1',
    '"q"',
    "'s'",
    '"a: b"',
    '[]',
    '{}',
    '[a, b]',
  ],
  ...[
    '{a: 1}',
    '{ a: [x] }',
    ' ',
    '  ',
    '   ',
    '\n',
    '\n',
    '\n ',
    '\n  ',
    '\n    ',
    '\na: ',
    '\nb:',
    '\n- ',
  ],
  ...[
    '\n  - ',
    '\n\n',
    'a: ',
    'b: ',
    'c:',
    'a: |\n  ',
    'd: |-\n   ',
    '__proto__: ',
    'it is',
    'x y',
  ],
]

function randomText(prng: Prng): string {
  let text = ''
  for (let i = 1 + prng.below(12); i > 0; i--) text += pick(prng, PIECES)
  return text
}

/** One of the usual documents with a few pieces put in, put in place of others or taken out. */
function changed(prng: Prng, text: string): string {
  let now = text
  for (let i = prng.below(4); i > 0; i--) {
    const from = prng.below(now.length + 1)
    const end = Math.min(now.length, from + prng.below(4))
    now = now.slice(0, from) + (prng.below(3) === 0 ? '' : pick(prng, PIECES)) + now.slice(end)
  }
  return now
}

function pick<T>(prng: Prng, values: readonly T[]): T {
  return values[prng.below(values.length)] as T
}
