import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/proxy')

/** The problems of a Proxy with these fields, each with its path in the filter. */
function problemsOf(fields: object): string[] {
  const filter = { name: 'proxy', kind: 'Proxy', ...fields }
  const text = JSON.stringify({ kind: 'Pipeline', name: 'p', filters: [filter] })
  const { issues } = validateSources({
    sources: [{ text, file: 'p.json', baseDir: '/' }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
  })
  return issues.map((issue) => {
    const path = issue.path.replace('filters[0].', '')
    return `${path}: ${formatIssue({ ...issue, position: null })}`
  })
}

const servers = [{ url: 'http://127.0.0.1:1' }]
const inPool = (fields: object): string[] =>
  problemsOf({ pools: [{ servers, ...fields }] }).map((text) => text.replace('pools[0].', ''))

const filter = { headers: { 'x-a': { exact: 'b' } } }

test('accepts what the documents of Easegress write', () => {
  assert.equal(
    problemsOf({
      maxIdleConns: 10_240,
      maxIdleConnsPerHost: 1_024,
      serverMaxBodySize: -1,
      compression: { minLength: 1_024 },
      pools: [
        {
          spanName: 'main',
          serverTags: ['v2'],
          servers: [
            { url: 'http://127.0.0.1:9095', tags: ['v2'], weight: 50 },
            { url: 'http://127.0.0.1:9096', weight: 0, keepHost: true },
          ],
          loadBalance: { policy: 'weightedRandom' },
          failureCodes: [500, 503],
          memoryCache: { expiration: '10s', maxEntryBytes: 4096, codes: [200], methods: ['GET'] },
          healthCheck: { interval: '1m', pass: 2, match: { statusCodes: [[200, 299]] } },
        },
        { servers, filter: { policy: 'random', permil: 50 } },
        { servers, filter: { urls: [{ methods: ['GET'], url: { regex: '^/beta' } }] } },
      ],
      mirrorPool: { servers, filter },
    }),
    [],
  )
})

test('exactly one pool has no filter', () => {
  assert.equal(problemsOf({ pools: [{ servers, filter }] }), [
    'pools: error: one pool must have no `filter`: it takes what the others do not',
  ])
  assert.equal(problemsOf({ pools: [{ servers }, { servers }] }), [
    'pools[1]: error: another pool has no `filter` already: only one takes what the others do not',
  ])
})

test('a mirror pool needs a filter, and has no use for what makes answers', () => {
  const mirrorOf = (fields: object): string[] =>
    problemsOf({ pools: [{ servers }], mirrorPool: { servers, ...fields } })
  assert.equal(mirrorOf({}), ['mirrorPool.filter: error: a mirror pool needs a `filter`'])
  const memoryCache = { expiration: '1s', maxEntryBytes: 1, codes: [200], methods: ['GET'] }
  assert.equal(mirrorOf({ filter, memoryCache }), [
    'mirrorPool.memoryCache: error: a mirror pool has no `memoryCache`: its answers are dropped',
  ])
  assert.equal(mirrorOf({ filter, retryPolicy: 'r' }), [
    'mirrorPool.retryPolicy: error: a mirror pool has no `retryPolicy`: its answers are dropped',
  ])
})

test('a pool has servers, all or none of them with a weight', () => {
  assert.equal(inPool({ servers: [] }), [
    'servers: error: a pool needs `servers`, `discovery` or `serviceName`',
  ])
  assert.equal(inPool({ servers: [{ url: 'http://a', weight: 1 }, { url: 'http://b' }] }), [
    'servers[1]: error: other servers have a `weight`: this one needs one too',
  ])
  assert.equal(inPool({ servers: [{ url: 'http://a', weight: 101 }] }), [
    'servers[0].weight: error: `weight` takes at most 100, not the number 101',
  ])
  assert.equal(inPool({ servers: [{ url: '127.0.0.1:9095' }] }), [
    'servers[0].url: error: `url` must be a URL such as http://127.0.0.1:9095',
  ])
  assert.equal(problemsOf({ pools: [{ servers }], mtls: { certBase64: 'x' } }), [
    'mtls.certBase64: error: `keyBase64` is missing',
  ])
})

test('a policy has the key it needs', () => {
  assert.equal(inPool({ loadBalance: { policy: 'headerHash' } }), [
    'loadBalance.headerHashKey: error: the policy headerHash needs `headerHashKey`',
  ])
  assert.equal(inPool({ loadBalance: { policy: 'rondRobin' } }), [
    'loadBalance.policy: error: `policy` takes one of "roundRobin", "random", "weightedRandom", "ipHash", "headerHash", "cookieHash", "leastRequest", "consistentHash", "forward", not "rondRobin" (did you mean "roundRobin"?)',
  ])
  assert.equal(inPool({ loadBalance: { stickySession: { mode: 'ApplicationBased' } } }), [
    'loadBalance.stickySession.appCookieName: error: the mode ApplicationBased needs `appCookieName`',
  ])
  const both = problemsOf({
    pools: [{ servers }, { servers, filter: { policy: 'headerHash', permil: 1_001 } }],
  })
  assert.equal(both, [
    'pools[1].filter.headerHashKey: error: the policy headerHash needs `headerHashKey`',
    'pools[1].filter.permil: error: `permil` takes at most 1000, not the number 1001',
  ])
  assert.equal(problemsOf({ pools: [{ servers }, { servers, filter: {} }] }), [
    'pools[1].filter.headers: error: the policy general needs `headers` or `urls`',
  ])
})

test('wrong values of the parts of a pool are told', () => {
  const memoryCache = { expiration: '1s', maxEntryBytes: 1, codes: [200], methods: ['FETCH'] }
  assert.equal(inPool({ memoryCache }), [
    'memoryCache.methods[0]: error: `methods[0]` takes one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", not "FETCH"',
  ])
  assert.equal(inPool({ healthCheck: { interval: '1ms' } }), [
    'healthCheck.interval: error: `interval` takes at least 10ms',
  ])
  assert.equal(inPool({ healthCheck: { uri: 'health' } }), [
    'healthCheck.uri: error: `uri` must be a path that begins with "/"',
  ])
  const body = { value: '(', type: 'regexp' }
  assert.equal(inPool({ healthCheck: { match: { body } } }), [
    'healthCheck.match.body.value: error: the regular expression "(" is not valid: missing closing ): "("',
  ])
  assert.equal(inPool({ outlierDetection: { consecutive5XX: 3 } }), [
    'outlierDetection.consecutive5XX: error: unknown field `consecutive5XX` (did you mean "consecutive5xx"?)',
  ])
  assert.equal(inPool({ discovery: {} }), [
    'discovery: error: exactly one of `dns` and `file` is needed',
  ])
})
