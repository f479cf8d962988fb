import {
  bodyLines,
  describeBody,
  headerLines,
  headerName,
  MAX_BODY_LINES,
  requestLines,
} from '../../host/dashboard/app/message-text.ts'
import type { BodyRecord } from '../../host/inspect/record.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('dashboard/message-text')

function body(text: string | null, more: Partial<BodyRecord> = {}): BodyRecord {
  const size = text === null ? 3 : Buffer.byteLength(text)
  const base64 = text === null ? Buffer.from([0, 65, 255]).toString('base64') : null
  return { size, text, base64, isCut: false, isComplete: true, ...more }
}

test('headers are lines, and compared by their names', () => {
  assert.equal(headerLines(['A', '1', 'b', 'x: y']), ['A: 1', 'b: x: y'])
  assert.is(headerName('X-Two: a: b'), 'x-two')
})

test('JSON is indented unless it is cut or only looks like it', () => {
  assert.equal(bodyLines(body('{"a":[1]}')), ['{', '  "a": [', '    1', '  ]', '}'])
  assert.equal(bodyLines(body('{"a":', { isCut: true })), ['{"a":'])
  assert.equal(bodyLines(body('{oops}')), ['{oops}'])
  assert.match(describeBody(body('{"a":[1]}')), 'JSON, indented here')
})

test('bytes are shown in hex', () => {
  assert.equal(bodyLines(body(null)), [`0000  ${'00 41 ff'.padEnd(47)}  .A.`])
  assert.match(describeBody(body(null)), 'binary')
})

test('a long body ends with how much more there is', () => {
  const lines = bodyLines(body('x\n'.repeat(MAX_BODY_LINES + 9)))
  assert.is(lines.length, MAX_BODY_LINES + 1)
  assert.is(lines.at(-1), '… 10 more lines')
})

test('it is said why there is nothing, or not everything', () => {
  const nothing = { size: 0, text: '', base64: null, isCut: false }
  assert.is(describeBody({ ...nothing, isComplete: true }), 'none')
  assert.is(describeBody({ ...nothing, isComplete: false }), 'not read by any filter')
  const part = body('ab', { isCut: true, isComplete: false, size: 100_000 })
  assert.is(describeBody(part), '97.7 KB, text, only its start was kept, not read to its end')
})

test('the query has a line of its own', () => {
  const state = { method: 'GET', path: '/a', query: 'b=1', headers: [], body: body('') }
  assert.equal(requestLines(state), ['GET', '/a', '?b=1'])
  assert.equal(requestLines({ ...state, query: '' }), ['GET', '/a'])
})
