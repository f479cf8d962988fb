import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError } from '../../../host/errors.ts'
import type { Logger } from '../../../host/observe/log.ts'
import type { InstanceRecord } from '../../../host/upstream/discovery/instance.ts'
import { KeptInstances } from '../../../host/upstream/discovery/kept-instances.ts'
import {
  REGISTRY_START_MS,
  RegistryDiscovery,
} from '../../../host/upstream/discovery/registry-discovery.ts'
import { RegistryHub } from '../../../host/upstream/discovery/registry-hub.ts'
import { ServiceRegistry } from '../../../host/upstream/discovery/service-registry.ts'
import { until } from '../../support/gateway.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('upstream/discovery/registry-discovery')

let dataDir = mkdtempSync(join(tmpdir(), 'penstock-registry-'))
test.after.each(async () => {
  await rm(dataDir, { recursive: true })
  dataDir = mkdtempSync(join(tmpdir(), 'penstock-registry-'))
})
test.after(() => rm(dataDir, { recursive: true }))

/** A registry whose answers a test sets; null for one that fails, a promise for one that takes its time. */
function fakeRegistry(...hosts: string[]) {
  const lines: string[] = []
  const write = (_: unknown, text?: string): void => void lines.push(text ?? '')
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Logger
  const state = {
    answer: hosts as readonly string[] | null | Promise<readonly string[]>,
    looks: 0,
    isClosed: false,
  }
  const driver = {
    list: async (): Promise<readonly InstanceRecord[]> => {
      state.looks += 1
      const answer = await state.answer
      if (answer === null) throw new GatewayError('UPSTREAM_REGISTRY', { reason: 'it is ill' })
      return answer.map((address) => ({ id: address, address, port: 80 }))
    },
    close: () => {
      state.isClosed = true
    },
  }
  const kept = new KeptInstances(dataDir, 'r', log)
  return { registry: new ServiceRegistry('r', driver, 5, kept, log), state, lines, log }
}

const { log } = fakeRegistry()

const spec = { registry: 'r', service: 's', tags: [], fallback: [] }

const hostsOf = (discovery: RegistryDiscovery): string =>
  (discovery.servers ?? []).map(({ url }) => new URL(url).hostname).join(' ')

test('a registry that is prepared is found by what is made then, and followed by the others once it is active', async () => {
  const hub = new RegistryHub()
  const [former, next] = [fakeRegistry('a'), fakeRegistry('b')]
  hub.prepare('r', former.registry)
  const early = new RegistryDiscovery(spec, hub, log)
  await early.ready
  assert.is(hostsOf(early), 'a')
  hub.activate('r', former.registry)
  let changes = 0
  early.listen(() => {
    changes += 1
  })
  hub.prepare('r', next.registry)
  const late = new RegistryDiscovery(spec, hub, log)
  await late.ready
  assert.is(hostsOf(late), 'b')
  assert.is(hostsOf(early), 'a')
  hub.activate('r', next.registry)
  // Known already: somebody else uses the service.
  assert.is(hostsOf(early), 'b')
  assert.is(changes, 1)
  // The former one goes, and takes nothing along.
  hub.remove('r', former.registry)
  assert.is(hub.find('r'), next.registry)
  await former.registry.close()
  assert.ok(former.state.isClosed)
  assert.equal(former.registry.counts(), {})
  assert.equal(next.registry.counts(), { s: 1 })
  early.close()
  late.close()
  assert.equal(next.registry.counts(), {})
  await next.registry.close()
})

test('a change that fails leaves the registry that runs', async () => {
  const hub = new RegistryHub()
  const [running, refused] = [fakeRegistry('a'), fakeRegistry('b')]
  hub.activate('r', running.registry)
  hub.prepare('r', refused.registry)
  hub.remove('r', refused.registry)
  assert.is(hub.find('r'), running.registry)
  await Promise.all([running.registry.close(), refused.registry.close()])
})

test('without its registry, and with one that has not answered yet, the last servers are used', async () => {
  const hub = new RegistryHub()
  const [former, slow] = [fakeRegistry('a'), fakeRegistry()]
  hub.activate('r', former.registry)
  const discovery = new RegistryDiscovery(spec, hub, log)
  await discovery.ready
  hub.remove('r', former.registry)
  assert.is(hub.find('r'), undefined)
  assert.is(hostsOf(discovery), 'a')
  let answer: (hosts: readonly string[]) => void = () => undefined
  slow.state.answer = new Promise((resolve) => {
    answer = resolve
  })
  hub.activate('r', slow.registry)
  assert.is(hostsOf(discovery), 'a')
  answer(['b'])
  await until(() => hostsOf(discovery) === 'b', 'the new one is followed')
  discovery.close()
  await Promise.all([former.registry.close(), slow.registry.close()])
})

test('a service is looked at once for all who use it, and no more when nobody does', async () => {
  const hub = new RegistryHub()
  const { registry, state } = fakeRegistry('a')
  hub.activate('r', registry)
  const all = Array.from({ length: 50 }, () => new RegistryDiscovery(spec, hub, log))
  await Promise.all(all.map(({ ready }) => ready))
  assert.ok(state.looks <= 2, `${state.looks} looks`)
  for (const discovery of all) discovery.close()
  assert.equal(registry.counts(), {})
  await registry.close()
})

test('nobody waits for a registry that is known to fail, and what is listed serves', async () => {
  const hub = new RegistryHub()
  const { registry, state, lines } = fakeRegistry()
  state.answer = null
  hub.activate('r', registry)
  const first = new RegistryDiscovery(spec, hub, log)
  await first.ready
  assert.is(first.servers, null)
  assert.is(registry.health, 'the service registry does not answer: it is ill')
  // Its answer never comes.
  state.answer = new Promise(() => undefined)
  const looks = state.looks
  await until(() => state.looks > looks, 'the next look')
  const late = new Promise((resolve) => setTimeout(() => resolve('late'), REGISTRY_START_MS))
  const second = new RegistryDiscovery({ ...spec, service: 'other' }, hub, log)
  assert.is(await Promise.race([late, second.ready.then(() => 'at once')]), 'at once')
  assert.is(lines.filter((line) => line.includes('cannot be looked up')).length, 1)
  first.close()
  second.close()
  await Promise.all([registry.close(), late])
})
