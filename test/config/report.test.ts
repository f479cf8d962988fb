import type { ConfigIssue } from '../../host/config/issues.ts'
import { MAX_REPORTED_ISSUES, renderIssues, type Terminal } from '../../host/config/report.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/report')

const pipe: Terminal = { isTerminal: false, hasColor: false, columns: 0 }
const terminal: Terminal = { isTerminal: true, hasColor: false, columns: 80 }

function issueAt(line: number, column: number, change: Partial<ConfigIssue> = {}): ConfigIssue {
  return {
    severity: 'error',
    position: { file: 'a.yaml', line, column },
    path: '',
    message: 'wrong',
    suggestion: null,
    ...change,
  }
}

const render = (text: string, issue: ConfigIssue, on: Terminal = terminal) =>
  renderIssues([issue], [{ file: 'a.yaml', baseDir: '/', text }], on)

test('writes one line an issue where nobody looks', () => {
  const text = renderIssues([issueAt(1, 1), issueAt(2, 3)], [], pipe)
  assert.is(text, 'a.yaml:1:1: error: wrong\na.yaml:2:3: error: wrong\n')
})

test('shows the line and marks the word on a terminal', () => {
  const text = 'flow:\n  - filter: limit\n    jumpif: { x: END }\n'
  assert.is(
    render(text, issueAt(3, 5, { suggestion: 'jumpIf' })),
    [
      'a.yaml:3:5: error: wrong (did you mean "jumpIf"?)',
      '   2 |   - filter: limit',
      '   3 |     jumpif: { x: END }',
      '     |     ^^^^^^',
      '',
    ].join('\n'),
  )
})

test('marks quoted text as a whole, and a place without a word with one caret', () => {
  assert.match(render('a: "x y" # z', issueAt(1, 4)), /\n {5}\| {4}\^{5}\n$/)
  assert.match(render('a: [', issueAt(1, 5)), /\n {5}\| {5}\^\n$/)
  assert.match(render('', issueAt(1, 1)), /\n {5}\| \^\n$/)
})

test('shows a line once at the top of a file and with CRLF and a byte order mark', () => {
  assert.is(
    render('\uFEFFa: 1\r\nb: 2\r\n', issueAt(1, 4)),
    'a.yaml:1:4: error: wrong\n   1 | a: 1\n     |    ^\n',
  )
})

test('keeps the caret under the word after tabs and wide characters', () => {
  assert.match(render('{"a":\t1}', issueAt(1, 7)), /\| \{"a": {2}1\}\n {5}\| {8}\^/)
  assert.match(render('{"漢字😀": 1}', issueAt(1, 8)), /\n {5}\| {11}\^/)
  assert.match(render('{"e\u0301": 1}', issueAt(1, 8)), /\n {5}\| {7}\^/)
})

test('cuts a long line around the place', () => {
  const text = `a: "${'x'.repeat(300)}", b: wrong, c: ${'y'.repeat(300)}`
  const lines = render(text, issueAt(1, text.indexOf('wrong') + 1)).split('\n')
  for (const line of lines) assert.ok(line.length <= 80, line)
  const caret = lines[2]?.indexOf('^^^^^') ?? 0
  assert.is(lines[1]?.slice(caret, caret + 5), 'wrong')
})

test('writes nothing from a file to the terminal that could steer it', () => {
  const text = render('a: "\u001b[2J\u0007"', issueAt(1, 4))
  assert.not.match(text, /[\u0000-\u0009\u000b-\u001f]/)
})

test('colors by severity when asked to', () => {
  const on = { ...terminal, hasColor: true }
  assert.match(render('a: 1', issueAt(1, 1), on), /\u001b\[31;1merror: \u001b\[0mwrong\n/)
  const warning = issueAt(1, 1, { severity: 'warning' })
  assert.match(render('a: 1', warning, on), /\u001b\[33;1m\^\u001b\[0m/)
  assert.not.match(render('a: 1', issueAt(1, 1)), /\u001b/)
  const unplaced = renderIssues([issueAt(1, 1, { position: null })], [], on)
  assert.match(unplaced, /error: \u001b\[0mwrong\n/)
})

test('counts what it does not write out', () => {
  const issues = Array.from({ length: MAX_REPORTED_ISSUES + 7 }, () => issueAt(1, 1))
  const text = renderIssues(issues, [], pipe)
  assert.is(text.split('\n').length, MAX_REPORTED_ISSUES + 2)
  assert.match(text, /… and 7 more\n$/)
})
