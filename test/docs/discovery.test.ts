import { readFileSync } from 'node:fs'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import {
  MAX_INSTANCES,
  MAX_TAG_LENGTH,
  MAX_TAGS,
  readInstances,
} from '../../host/upstream/discovery/instance.ts'
import { MAX_KEPT_BYTES, MAX_KEPT_SERVICES } from '../../host/upstream/discovery/kept-instances.ts'
import { REGISTRY_KINDS } from '../../host/upstream/discovery/registries/builtin.ts'
import {
  MAX_REGISTRY_ANSWER_BYTES,
  REGISTRY_TIMEOUT_MS,
} from '../../host/upstream/discovery/registries/registry-api.ts'
import { MIN_SYNC_INTERVAL_MS } from '../../host/upstream/discovery/registries/registry-kind.ts'
import {
  MAX_STORED_INSTANCE_BYTES,
  parseStored,
  recordOf,
} from '../../host/upstream/discovery/registries/stored-instance.ts'
import { MAX_ZOOKEEPER_MESSAGE_BYTES } from '../../host/upstream/discovery/registries/zookeeper-session.ts'
import { REGISTRY_START_MS } from '../../host/upstream/discovery/registry-discovery.ts'
import { KEPT_AFTER_MS } from '../../host/upstream/discovery/service-watch.ts'
import { assert, suite } from '../support/suite.ts'
import { codeBlocks } from './code-blocks.ts'

const test = suite('docs/discovery')

const address = new URL('../../docs/discovery.md', import.meta.url)
const page = readFileSync(address, 'utf8')
const textOf = (language: string): string =>
  codeBlocks(address).find((block) => block.language === language)?.text ?? ''

test('the configuration of the page is valid, and its instance is one', () => {
  const { issues } = validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text: textOf('yaml') }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
  })
  assert.equal(issues, [])
  const record = recordOf('x', parseStored(Buffer.from(textOf('json'))))
  assert.equal(readInstances([record]), {
    instances: [{ url: 'http://10.0.0.7:8080', tags: ['v2'], weight: 1 }],
    refused: [],
  })
})

test('the page has every kind of registry and every limit', () => {
  for (const { kind } of REGISTRY_KINDS) assert.ok(page.includes(`(reference/${kind}.md)`), kind)
  const limits = page.slice(page.indexOf('### Limits'))
  for (const [row, value] of [
    ['two looks at a service', `10 s, at least ${MIN_SYNC_INTERVAL_MS} ms`],
    ['to answer', `${REGISTRY_TIMEOUT_MS} ms, then`],
    ['at its start', `${REGISTRY_START_MS} ms, or ${KEPT_AFTER_MS} ms`],
    ['the kept list of a service', `${MAX_KEPT_BYTES}; a larger`],
    ['lists are kept', `${MAX_KEPT_SERVICES}, then`],
    ['an answer over HTTP', `${MAX_REGISTRY_ANSWER_BYTES}`],
    ['a message of ZooKeeper', `${MAX_ZOOKEEPER_MESSAGE_BYTES}`],
    ['an instance in etcd or ZooKeeper', `${MAX_STORED_INSTANCE_BYTES}`],
    ['instances of a service', `${MAX_INSTANCES}, the rest`],
    ['characters of one', `${MAX_TAGS} and ${MAX_TAG_LENGTH}`],
  ] as const) {
    assert.match(limits, new RegExp(`^\\| [^|]*${row} \\| [^|]*${value}`, 'm'))
  }
})
