import { ConfigError, type ConfigIssue, formatIssue, hasErrors } from '../../host/config/issues.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/issues')

const issue: ConfigIssue = {
  severity: 'error',
  position: { file: 'gateway.yaml', line: 12, column: 5 },
  path: 'flow[0].jumpif',
  message: 'unknown field `jumpif`',
  suggestion: 'jumpIf',
}

test('writes place, severity, message and suggestion in one line', () => {
  assert.is(
    formatIssue(issue),
    'gateway.yaml:12:5: error: unknown field `jumpif` (did you mean "jumpIf"?)',
  )
  assert.is(
    formatIssue({ ...issue, position: null, suggestion: null, severity: 'warning' }),
    'warning: unknown field `jumpif`',
  )
})

test('writes control characters as escapes, so that a name cannot write to the terminal', () => {
  const message = 'unknown field `\u001b[2J\nx\u202e\u0085`'
  const text = formatIssue({ ...issue, position: null, message, suggestion: null })
  assert.is(text, 'error: unknown field `\\x1b[2J\\x0ax\\u{202e}\\x85`')
})

test('counts errors only as what keeps a configuration from running', () => {
  assert.is(hasErrors([{ ...issue, severity: 'warning' }]), false)
  assert.is(hasErrors([{ ...issue, severity: 'warning' }, issue]), true)
})

test('lists every issue in the message of the error', () => {
  const error = new ConfigError([issue, issue])
  assert.is(error.message.split('\n').length, 2)
})
