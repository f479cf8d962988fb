import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/resilience-check')

function check(text: string) {
  const { objects, issues } = validateSources({
    sources: [{ text, file: 'a.yaml', baseDir: '/' }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
  })
  return { spec: objects[0]?.spec as { resilience: unknown }, lines: issues.map(formatIssue) }
}

const pipeline = (resilience: string, pool = ''): string =>
  `kind: Pipeline
name: p
filters:
  - name: proxy
    kind: Proxy
    pools:
      - servers: [{ url: http://127.0.0.1:9 }]
${pool}
resilience:
${resilience}
`

const line = (text: string): string => `        ${text}`

test('policies have the defaults of Easegress', () => {
  const { spec, lines } = check(
    pipeline('  - { name: b, kind: CircuitBreaker }\n  - { name: r, kind: Retry }'),
  )
  assert.equal(lines, [])
  assert.equal(spec.resilience, [
    {
      name: 'b',
      kind: 'CircuitBreaker',
      spec: {
        slidingWindowType: 'COUNT_BASED',
        slidingWindowSize: 100,
        failureRateThreshold: 50,
        slowCallRateThreshold: 100,
        slowCallDurationThreshold: 60_000,
        permittedNumberOfCallsInHalfOpenState: 10,
        minimumNumberOfCalls: 100,
        maxWaitDurationInHalfOpenState: 0,
        waitDurationInOpenState: 60_000,
      },
    },
    {
      name: 'r',
      kind: 'Retry',
      spec: {
        maxAttempts: 3,
        waitDuration: 500,
        backOffPolicy: 'random',
        randomizationFactor: 0,
        retryBudget: { budgetPercent: 20, minRetryConcurrency: 3 },
      },
    },
  ])
})

test('the enums are read in upper and lower case', () => {
  const { lines } = check(
    pipeline(
      '  - { name: b, kind: CircuitBreaker, slidingWindowType: time_based }\n  - { name: r, kind: Retry, backOffPolicy: Exponential }',
    ),
  )
  assert.equal(lines, [])
})

test('wrong fields of policies are reported with their places', () => {
  const { lines } = check(
    pipeline(`  - { name: b, kind: CircuitBreaker, failureRateThreshold: 0 }
  - { name: r, kind: Retry, maxAttempt: 3 }
  - { name: r, kind: Retry, backOffPolicy: linear }
  - { name: t, kind: TimeLimiter }`),
  )
  assert.equal(lines, [
    'a.yaml:10:60: error: `failureRateThreshold` takes at least 1, not the number 0',
    'a.yaml:11:29: error: unknown field `maxAttempt` (did you mean "maxAttempts"?)',
    'a.yaml:12:13: error: "r" is the name of another policy already',
    'a.yaml:12:44: error: `backOffPolicy` takes one of "random", "exponential", not "linear"',
    'a.yaml:13:22: error: there is no policy kind "TimeLimiter": the field `timeout` of a pool limits time',
  ])
})

test('a reference leads to a policy of the right kind', () => {
  const policies = '  - { name: breaker, kind: CircuitBreaker }\n  - { name: again, kind: Retry }'
  const refer = (field: string, name: string): string[] =>
    check(pipeline(policies, line(`${field}: ${name}`))).lines
  assert.equal(refer('retryPolicy', 'again'), [])
  assert.equal(refer('circuitBreakerPolicy', 'breaker'), [])
  assert.equal(refer('retryPolicy', 'agian'), [
    'a.yaml:8:22: error: there is no policy "agian" under `resilience` (did you mean "again"?)',
  ])
  assert.equal(refer('retryPolicy', 'breaker'), [
    'a.yaml:8:22: error: "breaker" is a CircuitBreaker, this field takes a Retry',
  ])
})
