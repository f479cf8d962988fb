import {
  type InstanceRecord,
  MAX_INSTANCES,
  MAX_TAG_LENGTH,
  MAX_TAGS,
  readInstances,
  serversOf,
} from '../../../host/upstream/discovery/instance.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('upstream/discovery/instance')

const record = (fields: Partial<InstanceRecord> = {}): InstanceRecord => ({
  id: 'x',
  address: '10.0.0.1',
  port: 80,
  ...fields,
})

const urlsOf = (...records: InstanceRecord[]): string[] =>
  readInstances(records).instances.map(({ url }) => url)

test('an instance is an address, a port and a scheme; of equal ones the last counts', () => {
  assert.equal(urlsOf(record()), ['http://10.0.0.1:80'])
  assert.equal(urlsOf(record({ address: 'a.example.', scheme: 'https', port: 443 })), [
    'https://a.example.:443',
  ])
  assert.equal(urlsOf(record({ address: '2001:db8::1' })), ['http://[2001:db8::1]:80'])
  assert.equal(urlsOf(record({ address: 'b' }), record({ address: 'a', scheme: null })), [
    'http://a:80',
    'http://b:80',
  ])
  const { instances } = readInstances([record({ tags: ['old'] }), record({ tags: ['new'] })])
  assert.equal(instances, [{ url: 'http://10.0.0.1:80', tags: ['new'], weight: 0 }])
})

test('what is malformed is refused with a reason, and nothing else is', () => {
  const wrong: Partial<InstanceRecord>[] = [
    { address: '' },
    { address: 7 },
    { address: 'a/b' },
    { address: 'a@b' },
    { address: 'a b' },
    { address: 'a:80' },
    { address: '[::1]' },
    { address: `${'a'.repeat(300)}` },
    { port: 0 },
    { port: 65_536 },
    { port: 80.5 },
    { port: '80' },
    { port: Number.NaN },
    { scheme: 'ftp' },
    { scheme: 1 },
    { tags: 'a' },
    { tags: [1] },
    { tags: Array.from({ length: MAX_TAGS + 1 }, () => 'a') },
    { tags: ['a'.repeat(MAX_TAG_LENGTH + 1)] },
    { weight: -1 },
    { weight: '1' },
    { weight: Number.POSITIVE_INFINITY },
    { problem: 'it is nonsense' },
  ]
  for (const fields of wrong) {
    const { instances, refused } = readInstances([record({ ...fields, id: 'bad' }), record()])
    const isUsable = instances.length === 1 && refused.length === 1
    assert.ok(isUsable && refused[0]?.startsWith('bad: i'), JSON.stringify([fields, refused]))
  }
})

test('past the limit of instances the rest is left out', () => {
  const many = Array.from({ length: MAX_INSTANCES + 2 }, (_, i) => record({ address: `h${i}` }))
  const { instances, refused } = readInstances(many)
  assert.is(instances.length, MAX_INSTANCES)
  assert.is(refused.length, 2)
})

test('weights are whole numbers up to 100 in the same proportions, and equal when there are none', () => {
  const weightsOf = (...weights: number[]): number[] => {
    const records = weights.map((weight, i) => record({ address: `h${i}`, weight }))
    return serversOf(readInstances(records).instances, []).map(({ weight }) => weight)
  }
  assert.equal(weightsOf(0, 0), [1, 1])
  assert.equal(weightsOf(3, 1, 0), [3, 1, 0])
  assert.equal(weightsOf(1, 0.5), [100, 50])
  assert.equal(weightsOf(1000, 1, 0), [100, 1, 0])
})

test('instances with one of the tags are taken, all when none is asked for', () => {
  const { instances } = readInstances([
    record({ address: 'a', tags: ['v1'] }),
    record({ address: 'b', tags: ['v2', 'x'] }),
    record({ address: 'c' }),
  ])
  const hostsOf = (...tags: string[]): string[] => serversOf(instances, tags).map(({ url }) => url)
  assert.equal(hostsOf('v1', 'x'), ['http://a:80', 'http://b:80'])
  assert.equal(hostsOf('v9'), [])
  assert.is(hostsOf().length, 3)
})
