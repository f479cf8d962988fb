import { formatIssue } from '../../host/config/issues.ts'
import { valueAt } from '../../host/config/json.ts'
import { type Validated, validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/easegress-forms')

function validate(text: string): Validated & { readonly lines: readonly string[] } {
  const validated = validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { env: {}, readFile: null },
  })
  const lines = validated.issues.map((issue) => formatIssue(issue).replace('x.yaml:', ''))
  return { ...validated, lines }
}

test('filters and policies may have version, labels and createdAt, which its tools write', () => {
  const { lines } = validate(`kind: Pipeline
name: p
version: easegress.megaease.com/v2
filters:
  - name: proxy
    kind: Proxy
    version: easegress.megaease.com/v2
    labels: { easegress/owner: user-api }
    createdAt: "2024-01-01T00:00:00Z"
    pools: [{ servers: [{ url: "http://a:1" }], retryPolicy: again }]
resilience:
  - { name: again, kind: Retry, version: easegress.megaease.com/v2 }
`)
  assert.equal(lines, [])
})

test('a field with nothing in it counts as left out, and empty text as no change', () => {
  const { lines, objects } = validate(`kind: Pipeline
name: p
flow:
filters:
  - name: adapt
    kind: RequestAdaptor
    host: ""
    method: ""
    path: null
    header: { del: [], set: { X-A: b }, add: {} }
  - name: proxy
    kind: Proxy
    pools:
      - servers: [{ url: "http://a:1", weight: null }]
        memoryCache: null
        filter:
        timeout: ~
    mirrorPool:
---
kind: HTTPServer
name: s
port: 80
ipFilter:
globalFilter: null
rules:
  - host: null
    paths: [{ path: null, pathPrefix: /, headers: null, backendPool: null, backend: p }]
`)
  assert.equal(lines, [])
  const [pipeline] = objects
  const at = (...path: (string | number)[]): unknown => valueAt(pipeline?.spec, path)
  assert.is(at('filters', 0, 'spec', 'path'), undefined)
  assert.is(at('filters', 1, 'spec', 'pools', 0, 'timeout'), 15_000)
  assert.is(at('filters', 1, 'spec', 'pools', 0, 'memoryCache'), undefined)
})

test('what is required must not be empty, nor may an entry of a list', () => {
  const { lines } = validate(`kind: Pipeline
name: p
flow: [{ filter: null }, ~]
filters:
  - { name: a, kind: Redirector, match: null, replacement: x }
  - { name: b, kind: Proxy, pools: }
  - { name: c, kind: Mock, rules: [~] }
---
kind: HTTPServer
name: s
port:
rules: [{ paths: [{ backend: null }, { headers: [{ key: a, values: , regexp: }], backend: p }] }]
`)
  assert.equal(lines, [
    '3:18: error: `filter` is missing',
    '3:26: error: `flow[1]` takes a mapping, not nothing',
    '5:41: error: `match` takes text, not nothing',
    '6:29: error: `pools` takes a list, not nothing',
    '7:36: error: `rules[0]` takes a mapping, not nothing',
    '11:1: error: `port` takes a number, not nothing',
    '12:30: error: `backend` is missing',
    '12:50: error: a header needs `values` or `regexp`, or it matches nothing',
  ])
})
