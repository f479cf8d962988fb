import {
  choice,
  duration,
  name,
  notYet,
  objectFields,
  parseDuration,
  z,
} from '../../host/config/schema.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/schema')

test('reads durations as Go does', () => {
  const cases: [string, number | undefined][] = [
    ['100ms', 100],
    ['1.5s', 1_500],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['250us', 0.25],
    ['250µs', 0.25],
    ['0', 0],
    ['10', undefined],
    ['s', undefined],
    ['1 s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['', undefined],
  ]
  for (const [text, ms] of cases) assert.is(parseDuration(text), ms, text)
  assert.is(duration().parse('10s'), 10_000)
  assert.is(duration().parse(0), 0)
  assert.is(duration().safeParse(5).success, false)
  assert.is(duration().safeParse('5x').success, false)
})

test('takes names that can stand in a URL', () => {
  for (const text of ['a', 'A-b_c.d~9', 'x'.repeat(253)]) assert.is(name().parse(text), text)
  for (const text of ['', 'a b', 'a/b', 'é', 'x'.repeat(254), 'a\n']) {
    assert.is(name().safeParse(text).success, false, text)
  }
})

test('accepts of a field that is not there yet only what turns it off', () => {
  const schema = z.strictObject({ port: z.int(), ...notYet({ https: 'use http', certs: 'none' }) })
  for (const off of [false, 0, '', null, [], {}]) {
    assert.is(schema.safeParse({ port: 1, https: off, certs: off }).success, true)
  }
  for (const on of [true, 1, 'x', ['x'], { a: 1 }]) {
    const { error } = schema.safeParse({ port: 1, https: on })
    assert.is(error?.issues[0]?.message, '`https` is not supported yet: use http')
  }
})

test('gives every object the fields of Easegress beside its own', () => {
  const schema = z.strictObject(objectFields('Pipeline'))
  assert.equal(schema.parse({ name: 'a', kind: 'Pipeline' }), {
    name: 'a',
    kind: 'Pipeline',
    labels: {},
  })
  const written = {
    name: 'a',
    kind: 'Pipeline',
    version: 'easegress.megaease.com/v2',
    labels: { team: 'x' },
    createdAt: '2026-01-01T00:00:00Z',
  }
  assert.equal(schema.parse(written), written)
})

test('a value that comes later says what to do meanwhile; any other is worded like those of all fields', () => {
  const schema = choice('kind', ['one', 'two'], { three: 'use one' })
  assert.is(schema.parse('two'), 'two')
  const messageOf = (value: unknown) => schema.safeParse(value).error?.issues[0]?.message
  assert.is(messageOf('three'), '`kind: three` is not supported yet: use one')
  assert.not.match(String(messageOf('four')), /supported/)
  assert.not.match(String(messageOf('toString')), /supported/)
})
