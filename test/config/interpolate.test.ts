import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import {
  interpolate,
  type Lookups,
  MAX_VALUE_FILE_BYTES,
  processLookups,
} from '../../host/config/interpolate.ts'
import type { JsonObject } from '../../host/config/json.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/interpolate')

const env = { HOST: 'db.local', EMPTY: '', PORT: '9095', lower: 'l', DOLLAR: '${HOST} $1 $&' }
const lookups: Lookups = { env, readFile: (path) => `<${path}>\n` }

function one(text: string, field = 'url', from: Lookups = lookups): unknown {
  return interpolate({ [field]: text }, from, '/conf').data[field]
}

function problems(text: string, from: Lookups = lookups): string[] {
  return interpolate({ url: text }, from, '/conf').problems.map((problem) => problem.message)
}

test('puts in variables, defaults and files', () => {
  const cases: [text: string, result: string][] = [
    ['http://${HOST}:${PORT}/', 'http://db.local:9095/'],
    ['${env:HOST}', 'db.local'],
    ['${env:lower}', 'l'],
    ['${NOPE:-x}', 'x'],
    ['${env:NOPE:-http://a:1/}', 'http://a:1/'],
    ['${NOPE:-}', ''],
    ['${HOST:-x}', 'db.local'],
    ['${EMPTY}', ''],
    ['${EMPTY:-x}', 'x'],
    ['${NOPE:-a\nb}', 'a\nb'],
    ['${file:/run/secret}', '</run/secret>'],
  ]
  for (const [text, result] of cases) assert.is(one(text), result, text)
})

test('leaves alone what is not a reference', () => {
  const texts = [
    '$HOST',
    '${lower}',
    '${1}',
    '${host:x}',
    '${}',
    '${Host}',
    '${HOST',
    '${a b}',
    '$',
    '{HOST}',
  ]
  for (const text of texts.filter((text) => text !== '${HOST')) assert.is(one(text), text)
})

test('takes an escaped reference literally', () => {
  assert.is(one('$${HOST} ${HOST}'), '${HOST} db.local')
  assert.is(one('$${env:HOST}'), '${env:HOST}')
  assert.is(one('$${anything}'), '${anything}')
})

test('does not look into what it put in', () => {
  assert.is(one('${DOLLAR}!'), '${HOST} $1 $&!')
})

test('leaves bare references to the fields that have a syntax of their own', () => {
  for (const field of ['template', 'rewriteTarget', 'replace', 'accessLogFormat', 'policy']) {
    assert.is(
      one('${HOST} $${1} ${env:HOST} $${env:HOST}', field),
      '${HOST} $${1} db.local ${env:HOST}',
    )
  }
  const data = { setHeaders: { 'X-Host': '${HOST}', 'X-Env': '${env:HOST}' } }
  assert.equal(interpolate(data, lookups, '').data, {
    setHeaders: { 'X-Host': '${HOST}', 'X-Env': 'db.local' },
  })
})

test('works in every value at any depth, but not in keys, and leaves the data as it was', () => {
  const data: JsonObject = { '${HOST}': [{ a: ['${HOST}', 1, null, true] }] }
  const copy = structuredClone(data)
  const found = interpolate(data, lookups, '')
  assert.equal(found.data, { '${HOST}': [{ a: ['db.local', 1, null, true] }] })
  assert.equal(data, copy)
  assert.equal([...found.written], [['["${HOST}",0,"a",0]', '${HOST}']])
})

test('names what is missing and keeps the text', () => {
  const found = interpolate({ a: { b: 'x${NOPE}${env:nope}' } }, lookups, '')
  assert.equal(
    found.problems.map((problem) => problem.message),
    [
      'the environment variable NOPE is not set and has no default',
      'the environment variable nope is not set and has no default',
    ],
  )
  assert.equal([...found.missing], ['["a","b"]'])
  assert.equal(found.data, { a: { b: 'x${NOPE}${env:nope}' } })
})

test('reports a reference that is not closed or not a name', () => {
  assert.equal(problems('${env:HOST'), ['"${env:HOST" has no closing brace'])
  assert.equal(problems('${HOST and ${PORT}'), [])
  assert.equal(problems('${HOST'), ['"${HOST" has no closing brace'])
  assert.equal(problems('${env:A-B}'), ['"${env:A-B}" does not name an environment variable'])
  assert.equal(problems('${env:}'), ['"${env:}" does not name an environment variable'])
})

test('does not take names of the prototype for variables', () => {
  assert.equal(problems('${env:constructor}'), [
    'the environment variable constructor is not set and has no default',
  ])
})

test('reads no file where that is not allowed', () => {
  assert.equal(problems('${file:/etc/passwd}', { env, readFile: null }), [
    '"${file:/etc/passwd}" is not allowed here: files are read for files only',
  ])
})

test('reads files of this machine relative to the configuration, within bounds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-interpolate-'))
  await writeFile(join(folder, 'secret'), 's3cret\r\n')
  await writeFile(join(folder, 'large'), Buffer.alloc(MAX_VALUE_FILE_BYTES + 1))
  await writeFile(join(folder, 'binary'), Buffer.from([0xff]))
  const read = (name: string) => interpolate({ a: `\${file:${name}}` }, processLookups(), folder)
  assert.equal(read('secret').data, { a: 's3cret' })
  const refused: [string, string][] = [
    ['nope', 'cannot read nope: no such file'],
    ['large', 'cannot read large: it is larger than 1 MiB'],
    ['.', 'cannot read .: it is not a file'],
    ['binary', 'cannot read binary: it is not UTF-8 text'],
  ]
  for (const [name, message] of refused) assert.is(read(name).problems[0]?.message, message)
  await rm(folder, { recursive: true })
})

test('is the identity on text without a dollar sign and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      interpolate({ a: text, template: [text] }, lookups, '')
      const plain = text.replaceAll('$', '')
      assert.is(one(plain), plain)
    }),
  )
})
