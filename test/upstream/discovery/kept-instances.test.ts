import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../../host/observe/log.ts'
import { MAX_TAG_LENGTH, type ServiceInstance } from '../../../host/upstream/discovery/instance.ts'
import {
  KeptInstances,
  MAX_KEPT_BYTES,
  MAX_KEPT_SERVICES,
} from '../../../host/upstream/discovery/kept-instances.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('upstream/discovery/kept-instances')

let dataDir = ''
let lines: string[] = []
test.before.each(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'penstock-kept-'))
  lines = []
})
test.after.each(() => rm(dataDir, { recursive: true }))

const write = (_: unknown, text?: string): void => void lines.push(text ?? '')
const log = { debug: write, info: write, warn: write, error: write } as unknown as Logger

const keptOf = (registry: string): KeptInstances => new KeptInstances(dataDir, registry, log)
const one = (host: string, tags: readonly string[] = []): ServiceInstance => ({
  url: `http://${host}:80`,
  tags,
  weight: 2,
})
const files = (): Promise<string[]> => readdir(join(dataDir, 'registries'))

test('the newest list of each service of each registry comes back', async () => {
  const kept = keptOf('r')
  for (let i = 0; i < 100; i++) kept.write('s', { instances: [one(`h${i}`)], isGone: false })
  kept.write('../s', { instances: [one('other', ['v1'])], isGone: true })
  await kept.flush()
  const found = await keptOf('r').read('s')
  assert.equal(found?.instances, [one('h99')])
  assert.is(found?.isGone, false)
  assert.ok(Date.parse(found?.at ?? '') > 0)
  const gone = await keptOf('r').read('../s')
  assert.equal([gone?.instances, gone?.isGone], [[one('other', ['v1'])], true])
  assert.is(await keptOf('q').read('s'), null)
  assert.is((await files()).length, 2)
  const [name = ''] = await files()
  assert.is((await stat(join(dataDir, 'registries', name))).mode & 0o777, 0o600)
  assert.equal(lines, [])
})

test('a list that is too large is not kept, nor is the one before it', async () => {
  const kept = keptOf('r')
  kept.write('s', { instances: [one('a')], isGone: false })
  await kept.flush()
  const tags = Array.from({ length: 64 }, () => 't'.repeat(MAX_TAG_LENGTH))
  const large = Array.from({ length: 80 }, (_, i) => one(`h${i}`, tags))
  for (let i = 0; i < 2; i++) {
    kept.write('s', { instances: large, isGone: false })
    await kept.flush()
  }
  assert.is(await kept.read('s'), null)
  assert.equal(await files(), [])
  assert.is(lines.length, 1)
  assert.match(lines[0] ?? '', new RegExp(`^the instances of s are not kept: .*${MAX_KEPT_BYTES}$`))
})

test('of too many services the one that was written longest ago goes', async () => {
  const kept = keptOf('r')
  const folder = join(dataDir, 'registries')
  await mkdir(folder)
  for (let i = 0; i < MAX_KEPT_SERVICES; i++) {
    await writeFile(join(folder, `${i}.json`), '{}')
  }
  await utimes(join(folder, '7.json'), 1, 1)
  kept.write('s', { instances: [one('a')], isGone: false })
  await kept.flush()
  const names = await files()
  assert.is(names.length, MAX_KEPT_SERVICES)
  assert.not.ok(names.includes('7.json'))
  // Its own file is there already: nobody has to go.
  kept.write('s', { instances: [one('b')], isGone: false })
  await kept.flush()
  assert.equal((await files()).sort(), names.sort())
  assert.equal((await kept.read('s'))?.instances, [one('b')])
})

test('what is no list is none, and is told', async () => {
  const kept = keptOf('r')
  kept.write('s', { instances: [one('a')], isGone: false })
  await kept.flush()
  const [name = ''] = await files()
  const list = { registry: 'r', service: 's', at: 'now', isGone: false, instances: [one('a')] }
  for (const bad of [
    '{',
    JSON.stringify({ ...list, instances: [] }),
    JSON.stringify({ ...list, instances: [{ ...one('a'), url: 'file:///etc/passwd' }] }),
    JSON.stringify({ ...list, instances: [{ ...one('a'), weight: -1 }] }),
  ]) {
    await writeFile(join(dataDir, 'registries', name), bad)
    assert.is(await kept.read('s'), null)
    assert.match(lines.pop() ?? '', /^what is kept of s cannot be used: /)
  }
  await writeFile(
    join(dataDir, 'registries', name),
    JSON.stringify({ ...list, service: 'of another name' }),
  )
  assert.is(await kept.read('s'), null)
  assert.equal(lines, [])
})

test('a disk that takes nothing is told once', async () => {
  await writeFile(join(dataDir, 'registries'), 'a file where the folder should be')
  const kept = keptOf('r')
  for (const service of ['s', 't', 's']) {
    kept.write(service, { instances: [one('a')], isGone: false })
    await kept.flush()
  }
  assert.is(lines.length, 1)
  assert.match(lines[0] ?? '', /^the instances of s are not kept: /)
})
