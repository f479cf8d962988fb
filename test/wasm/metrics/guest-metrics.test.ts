import type { MetricFamily } from '../../../host/observe/metrics.ts'
import { GuestCall } from '../../../host/wasm/guest-call.ts'
import { type GuestInput, Phase } from '../../../host/wasm/guest-input.ts'
import { Errno, GUEST_LIMITS } from '../../../host/wasm/limits.ts'
import { GuestMetrics } from '../../../host/wasm/metrics/guest-metrics.ts'
import {
  isMetricName,
  METRIC_LIMITS,
  metricKey,
  parseMetricKey,
} from '../../../host/wasm/metrics/metric-name.ts'
import { PluginMeters } from '../../../host/wasm/metrics/plugin-meters.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/metrics/guest-metrics')

const REQUEST: GuestInput = { ...itemThat('x'), phase: Phase.request }

function guest(): { call: GuestCall; metrics: GuestMetrics; entries: () => string[] } {
  const call = new GuestCall()
  const metrics = new GuestMetrics(call)
  const entries = (): string[] => {
    metrics.flush()
    return call.changes.entries().map(([, name, value]) => `${name} ${value}`)
  }
  return { call, metrics, entries }
}

test('counters are summed up in a call, the rest is told one by one', () => {
  const { call, metrics, entries } = guest()
  const [hits, level, sizes] = [
    metrics.define(0, 'hits', []),
    metrics.define(1, 'level', []),
    metrics.define(2, 'sizes', [1, 2]),
  ]
  assert.equal([hits, level, sizes], [0, 1, 2])
  assert.is(metrics.add(hits, 1), Errno.wrongPhase, 'not at a start')
  call.load(REQUEST)
  for (let i = 0; i < 1_000; i++) assert.is(metrics.add(hits, 2), 0)
  metrics.record(level, 5)
  metrics.add(level, -1)
  metrics.record(sizes, 1.5)
  assert.equal(entries(), ['1 level =5', '1 level +-1', '2 sizes 1 2 =1.5', '0 hits +2000'])
  call.load(REQUEST)
  assert.equal(entries(), [])
})

test('a name is one metric, of one kind, with a grammar and a limit', () => {
  const { metrics } = guest()
  assert.is(metrics.define(0, 'hits', []), 0)
  assert.is(metrics.define(0, 'hits', []), 0)
  assert.is(metrics.define(1, 'hits', []), Errno.invalid)
  assert.is(metrics.define(3, 'other', []), Errno.invalid)
  assert.is(metrics.define(0, 'other', [1]), Errno.invalid)
  for (const bounds of [[2, 1], [1, 1], [Number.NaN], [Number.POSITIVE_INFINITY]]) {
    assert.is(metrics.define(2, 'other', bounds), Errno.invalid)
  }
  for (const name of [
    '',
    'A',
    'a-b',
    '1a',
    'a__b',
    '_a',
    'a_',
    'a_total',
    'a_bucket',
    'a b',
    'ä',
    'a'.repeat(65),
  ]) {
    assert.not.ok(isMetricName(name), name)
    assert.is(metrics.define(0, name, []), Errno.invalid)
  }
  for (let i = 1; i < METRIC_LIMITS.metrics; i++) assert.is(metrics.define(0, `m${i}`, []), i)
  assert.is(metrics.define(0, 'one_more', []), Errno.tooLarge)
})

test('values that are no numbers, and more than a call may tell, are refused', () => {
  const { call, metrics } = guest()
  const [hits, level] = [metrics.define(0, 'hits', []), metrics.define(1, 'level', [])]
  call.load(REQUEST)
  const wrong = [
    metrics.add(hits, -1),
    metrics.add(hits, Number.NaN),
    metrics.record(hits, 1),
    metrics.add(99, 1),
    metrics.record(level, Number.POSITIVE_INFINITY),
  ]
  assert.equal(wrong, Array(5).fill(Errno.invalid))
  for (let i = 0; i < GUEST_LIMITS.metricRecords; i++) assert.is(metrics.record(level, i), 0)
  assert.is(metrics.record(level, 1), Errno.tooLarge)
  call.load(REQUEST)
  assert.is(metrics.record(level, 1), 0)
})

test('a key says all of a metric, and nothing else is one', () => {
  const sizes = { type: 'histogram', name: 'sizes', buckets: [0.5, 10] } as const
  assert.equal(parseMetricKey(metricKey(sizes)), sizes)
  for (const key of ['', '0', '9 a', '0 A', '0 a 1', '2 a', '2 a 2 1', '2 a x', 'x a']) {
    assert.is(parseMetricKey(key), null, key)
  }
})

test('the metrics of all filters are one family for each name', () => {
  const meters = new PluginMeters()
  const families: MetricFamily[] = []
  meters.onFamily = (family) => void families.push(family)
  const of = (filter: string) => meters.of({ pipeline: 'main', filter, plugin: 'p' })
  const [one, two] = [of('one'), of('two')]
  assert.is(of('one'), one, 'values survive a generation')
  one.record('0 hits', '+2')
  one.record('0 hits', '+3')
  two.record('0 hits', '+7')
  two.record('1 hits', '=1')
  two.record('2 hits_total 1', '=1')
  one.record('2 sizes 1 10', '=0.5')
  one.record('2 sizes 1 10', '=50')
  assert.equal(
    families.map(({ name, type }) => `${name} ${type}`),
    [
      'penstock_plugin_custom_hits_total counter',
      'penstock_plugin_custom_hits gauge',
      'penstock_plugin_custom_sizes histogram',
    ],
  )
  const values = families[0]?.collect().map(({ labels, value }) => `${labels['filter']} ${value}`)
  assert.equal(values, ['one 5', 'two 7'])
  const buckets = families[2]
    ?.collect()
    .map(({ labels, value, suffix }) => `${suffix} ${labels['le'] ?? ''} ${value}`)
  assert.equal(buckets, [
    '_bucket 1 1',
    '_bucket 10 1',
    '_bucket +Inf 2',
    '_sum  50.5',
    '_count  2',
  ])
  assert.is(two.refused, 1)
})

test('of two kinds of one name the first stays', () => {
  const meters = new PluginMeters()
  const one = meters.of({ pipeline: 'main', filter: 'one', plugin: 'p' })
  const two = meters.of({ pipeline: 'main', filter: 'two', plugin: 'p' })
  one.record('1 level', '=1')
  two.record('2 level 1', '=1')
  assert.equal([two.refused, two.value('level'), one.value('level')], [1, null, 1])
})
