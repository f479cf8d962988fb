import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '../../host/config/json.ts'
import { FileObjectStore, MIN_JOURNAL_BYTES } from '../../host/control/object-store.ts'
import { isGatewayError } from '../../host/errors.ts'
import { createPrng, testSeed } from '../support/prng.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/object-store')

let dir = ''
test.before.each(async () => {
  dir = await mkdtemp(join(tmpdir(), 'penstock-store-'))
})
test.after.each(() => rm(dir, { recursive: true, force: true }))

const object = (name: string, value: unknown = 1): JsonObject => ({ name, value: String(value) })
const put = (...objects: JsonObject[]) => ({ put: objects, deleted: [] })
const never = (): readonly JsonObject[] => {
  throw new Error('the whole list is not needed for one change')
}
const load = (): Promise<readonly JsonObject[]> => new FileObjectStore(dir).load()

test('what was saved is there for the next process, the latest of each name', async () => {
  const store = new FileObjectStore(dir)
  assert.equal(await store.load(), [])
  await store.save(put(object('a'), object('b')), never)
  await store.save(put(object('a', 2)), never)
  await store.save({ put: [], deleted: ['b'] }, never)
  assert.equal(await load(), [object('a', 2)])
})

test('a change writes itself only, however many objects there are', async () => {
  const all = Array.from({ length: 2_000 }, (_, i) => object(`object-${i}`))
  await writeFile(join(dir, 'objects.json'), JSON.stringify(all))
  const store = new FileObjectStore(dir)
  assert.is((await store.load()).length, 2_000)
  await store.save(put(object('object-7', 'new')), never)
  const journal = await readFile(join(dir, 'objects.log'), 'utf8')
  assert.ok(journal.length < 200, journal)
  assert.is((await load()).find(({ name }) => name === 'object-7')?.['value'], 'new')
})

test('a journal longer than the list becomes a new list', async () => {
  const store = new FileObjectStore(dir)
  await store.load()
  const big = object('a', 'x'.repeat(MIN_JOURNAL_BYTES))
  await store.save(put(big), () => [big])
  assert.equal(await readdir(dir), ['objects.json'])
  assert.equal(await load(), [big])
  await store.save(put(object('b')), never)
  assert.equal(await load(), [big, object('b')])
})

test('a change that a crash has cut off is left out, and the next one is whole', async () => {
  const store = new FileObjectStore(dir)
  await store.load()
  await store.save(put(object('a')), never)
  const path = join(dir, 'objects.log')
  await writeFile(path, `${await readFile(path, 'utf8')}{"put":[{"name":"b"`)
  const next = new FileObjectStore(dir)
  assert.equal(await next.load(), [object('a')])
  await next.save(put(object('c')), never)
  assert.equal(await load(), [object('a'), object('c')])
})

test('a crash between the new list and the end of the journal changes nothing', async () => {
  const store = new FileObjectStore(dir)
  await store.load()
  await store.save(put(object('a'), object('b')), never)
  await store.save({ put: [object('a', 2)], deleted: ['b'] }, never)
  await writeFile(join(dir, 'objects.json'), JSON.stringify([object('a', 2)]))
  assert.equal(await load(), [object('a', 2)])
})

test('a file that somebody has spoiled is named, not passed over', async () => {
  for (const [file, text] of [
    ['objects.json', '[{'],
    ['objects.log', 'no JSON\n'],
  ] as const) {
    await writeFile(join(dir, file), text)
    try {
      await load()
      assert.unreachable()
    } catch (error) {
      assert.ok(isGatewayError(error) && error.code === 'CONFIG_READ', String(error))
      assert.match(String(error), file)
    }
    await rm(join(dir, file))
  }
})

test('any sequence of changes comes back as a map would have it', async () => {
  const { below } = createPrng(testSeed())
  let store = new FileObjectStore(dir)
  await store.load()
  const model = new Map<string, JsonObject>()
  for (let i = 0; i < 200; i++) {
    const name = `n${below(8)}`
    if (below(4) === 0) {
      model.delete(name)
      await store.save({ put: [], deleted: [name] }, () => [...model.values()])
    } else {
      // Long values, so that lists are written in between.
      const made = object(name, 'v'.repeat(below(4_000)) + i)
      model.set(name, made)
      await store.save(put(made), () => [...model.values()])
    }
    if (below(10) > 0) continue
    store = new FileObjectStore(dir)
    const loaded = new Map((await store.load()).map((one) => [one['name'], one]))
    assert.equal([...loaded].sort(), [...model].sort())
  }
})
