import { referenceKinds } from '../../../host/objects/reference/kinds.ts'
import { assert, suite } from '../../support/suite.ts'
import { run } from '../support.ts'

const test = suite('cli/commands/explain')

test('without an argument it lists every kind with what it is', async () => {
  const { code, out } = await run(['explain'])
  assert.is(code, 0)
  assert.match(out, /^OBJECTS\n {2}\w/)
  assert.match(out, /^FILTERS$/m)
  assert.match(out, /^POLICIES$/m)
  for (const { kind } of referenceKinds()) assert.match(out, new RegExp(`^ {2}${kind} +\\w`, 'm'))
})

test('a kind has its fields with type, default and meaning, its results, an example and notes', async () => {
  const { code, out } = await run(['explain', 'ratelimiter'])
  assert.is(code, 0)
  assert.match(out, /^RateLimiter \(filter\)\n {2}Admits so many requests/)
  assert.match(out, /^RESULTS\n {2}rateLimited$/m)
  assert.match(
    out,
    /^ {2}policies\[\]\.limitForPeriod\n {6}whole number, at least 1, default 50\n/m,
  )
  assert.match(out, /^ {2}urls\n {6}list of objects, required\n {6}Rules; the first/m)
  assert.match(out, /^EXAMPLE\n {2}name: limit\n {2}kind: RateLimiter\n/m)
  assert.match(out, /^DIFFERS FROM EASEGRESS\n {2}- /m)
  const [text = ''] = out.split('EXAMPLE')
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
})

test('a field has its own meaning and that of the fields inside it', async () => {
  const { out } = await run(['explain', 'Proxy.pools.servers'])
  assert.match(out, /^Proxy\.pools\[\]\.servers\n {2}list of objects/)
  assert.match(out, /^ {2}pools\[\]\.servers\[\]\.url\n/m)
  assert.not.match(out, 'loadBalance')
  const leaf = await run(['explain', 'Proxy.pools[].timeout'])
  assert.match(leaf.out, /^Proxy\.pools\[\]\.timeout\n {2}duration, default "15s"\n/)
})

test('fields that are those of another kind are found there, names of a map are any', async () => {
  const { out } = await run(['explain', 'HTTPServer.rules.paths.backendPool.timeout'])
  assert.match(out, /^Proxy\.pools\[\]\.timeout\n/)
  const before = await run(['explain', 'GlobalFilter.beforePipeline.flow.jumpIf'])
  assert.match(before.out, /^Pipeline\.flow\[\]\.jumpIf\n/)
  const owner = await run(['explain', 'HTTPServer.rules.paths.backendPool'])
  assert.match(owner.out, 'penstock explain Proxy.pools')
  const header = await run(['explain', 'Validator.headers.X-Api-Key.values'])
  assert.match(header.out, /^Validator\.headers\.\*\.values\n/)
})

test('as data it has the same', async () => {
  const { out } = await run(['explain', 'Retry', '--json'])
  const data = JSON.parse(out)
  assert.is(data.kind, 'Retry')
  assert.is(data.group, 'policy')
  assert.ok(data.notes.length > 0)
  assert.match(data.example, 'kind: Retry')
  const attempts = data.fields.find((field: { path: string }) => field.path === 'maxAttempts')
  assert.equal(attempts, {
    path: 'maxAttempts',
    type: 'whole number, at least 1',
    isRequired: false,
    default: '3',
    description: 'Attempts, the first among them.',
    see: null,
  })
  const list = JSON.parse((await run(['explain', '-o', 'json'])).out)
  assert.is(list.length, referenceKinds().length)
  const field = JSON.parse((await run(['explain', 'Retry.maxAttempts', '--json'])).out)
  assert.equal(field, { ...attempts, fields: [] })
})

test('a typo is answered with the nearest name, and what comes later is said to', async () => {
  const cases: [string, RegExp][] = [
    ['RateLimter', /there is no kind "RateLimter" \(did you mean "RateLimiter"\?\)/],
    [
      'Proxy.pool',
      /Proxy has no field "pool" \(did you mean "pools"\?\): it has name, kind, pools/,
    ],
    ['Proxy.pools.timout', /Proxy\.pools has no field "timout" \(did you mean "timeout"\?\)/],
    ['Proxy.poos.timeout', /Proxy has no field "poos" \(did you mean "pools"\?\)/],
    ['Retry.maxAttempts.x', /Retry\.maxAttempts has no fields inside/],
    ['Kafka', /the kind "Kafka" is not supported yet/],
    ['zzzzzzzzzz', /there is no kind "zzzzzzzzzz"$/m],
  ]
  for (const [words, wanted] of cases) {
    const { code, err, out } = await run(['explain', words])
    assert.is(code, 2, words)
    assert.match(err, wanted)
    assert.is(out, '')
  }
})
