import {
  compileRegexp,
  MAX_PATTERN_LENGTH,
  MAX_PROGRAM_SIZE,
  regexp,
} from '../../host/config/regexp.ts'
import { isGatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/regexp')

test('finds a match anywhere in the text', () => {
  const expression = compileRegexp('^/api/(v[12])/')
  assert.is(expression.test('/api/v1/users'), true)
  assert.is(expression.test('/x/api/v1/'), false)
  assert.is(compileRegexp('b').test('abc'), true)
})

test('replaces every match with the groups of Go', () => {
  const cases: [pattern: string, text: string, replacement: string, result: string][] = [
    ['^/api/(\\w+)/(.*)$', '/api/a/b/c', '/$2/$1', '/b/c/a'],
    ['(a)(b)', 'ab-ab', '${2}x$1', 'bxa-bxa'],
    ['(a)', 'a', '$1x', ''],
    ['(a)', 'a', '${1}x', 'ax'],
    ['(?P<who>a)', 'ba', '<${who}|$who>', 'b<a|a>'],
    ['a', 'a', '$$1', '$1'],
    ['a', 'a', '$9${nobody}', ''],
    ['a', 'a', '$0$0', 'aa'],
    ['a', 'a', 'cost: $', 'cost: $'],
    ['(a)|b', 'ab', '[$1]', '[a][]'],
    ['a*', 'baac', 'x', 'xbxcx'],
    ['x', 'abc', 'y', 'abc'],
    ['^', 'abc', '', 'abc'],
    ['.', 'abc', '', ''],
    ['é', 'aé😀', '😀', 'a😀😀'],
  ]
  for (const [pattern, text, replacement, result] of cases) {
    assert.is(compileRegexp(pattern).replaceAll(text, replacement), result, `${pattern} ${text}`)
  }
})

test('keeps replacements apart that one pattern is used with', () => {
  const expression = compileRegexp('a')
  assert.is(expression.replaceAll('a', 'b'), 'b')
  assert.is(expression.replaceAll('a', 'c'), 'c')
})

test('refuses what RE2 does not have and names the reason', () => {
  const cases: [pattern: string, reason: RegExp][] = [
    ['(?=a)', /Perl syntax: "\(\?="/],
    ['(a)\\1', /invalid escape sequence: "\\1"/],
    ['(', /missing closing \)/],
    ['a{1001}', /invalid repeat count/],
    ['((a{100}){100}){100}', /invalid repeat count/],
    ['a'.repeat(MAX_PATTERN_LENGTH + 1), /longer than 1024 characters/],
    ['(?:a{900})'.repeat(6), new RegExp(`more than ${MAX_PROGRAM_SIZE} instructions`)],
  ]
  for (const [pattern, reason] of cases) {
    try {
      compileRegexp(pattern)
      assert.unreachable(pattern)
    } catch (error) {
      assert.ok(isGatewayError(error, 'CONFIG_REGEXP'), pattern)
      assert.match(String(error), reason)
    }
  }
})

test('takes linear time where a backtracking engine takes exponential time', () => {
  const text = `${'a'.repeat(50_000)}!`
  for (const pattern of ['(a*)*b', '(a|aa)+$', '(x+x+)+y', '^(a?){30}a{30}$']) {
    const startedAt = performance.now()
    compileRegexp(pattern).test(text)
    assert.ok(performance.now() - startedAt < 5_000, pattern)
  }
})

test('is a schema whose output is the pattern', () => {
  assert.is(regexp().parse('^a+$'), '^a+$')
  const refused = regexp().safeParse('(')
  assert.is(
    refused.error?.issues[0]?.message,
    'the regular expression "(" is not valid: missing closing ): "("',
  )
})
