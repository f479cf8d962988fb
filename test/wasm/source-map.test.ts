import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModule } from '../../host/wasm/module/reader.ts'
import {
  findSourceMap,
  readSourceMap,
  SOURCE_MAP_MAX_BYTES,
  sourceMapBeside,
} from '../../host/wasm/source-map.ts'
import { urlContent } from '../support/fragile-plugin.ts'
import { assert, suite } from '../support/suite.ts'
import { wat, withCustomSection } from '../support/wat.ts'

const test = suite('wasm/source-map')

let folder = ''
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-map-'))
})
test.after.each(() => rm(folder, { recursive: true }))

const EMPTY = wat('(module)')
const moduleWith = (url: string) =>
  readModule(withCustomSection(EMPTY, 'sourceMappingURL', urlContent(url)))

test('a map inside the module comes first, then the stored one, then the one beside the file', async () => {
  const files = { stored: join(folder, 'stored.map'), module: join(folder, 'x.wasm') }
  const bare = readModule(EMPTY)
  assert.is(findSourceMap(bare, files), null)
  assert.is(readSourceMap(bare, files), null)
  await writeFile(`${files.module}.map`, 'beside')
  assert.is(findSourceMap(bare, files), 'beside')
  assert.is(readSourceMap(bare, files), 'beside')
  await writeFile(files.stored, 'stored')
  assert.is(findSourceMap(bare, files), 'stored')
  assert.is(readSourceMap(bare, files), 'stored')
  const whole = moduleWith(`data:application/json;base64,${btoa('inside')}`)
  assert.is(findSourceMap(whole, files), 'inside')
  assert.is(readSourceMap(whole, files), 'inside')
})

test('the map beside a file is FILE.map, or the plain name that the module has', async () => {
  const file = join(folder, 'x.wasm')
  const named = join(folder, 'limit.map')
  await writeFile(named, '{}')
  assert.is(sourceMapBeside(file, moduleWith('limit.map')), named)
  assert.is(sourceMapBeside(file, moduleWith('./limit.map')), named)
  assert.is(sourceMapBeside(file, moduleWith('other.map')), null)
  assert.is(sourceMapBeside(file, null), null)
  await writeFile(`${file}.map`, '{}')
  assert.is(sourceMapBeside(file, moduleWith('limit.map')), `${file}.map`)
  assert.is(sourceMapBeside(file, null), `${file}.map`)
})

test('a module leads to no file of another folder', async () => {
  await mkdir(join(folder, 'build'))
  await writeFile(join(folder, 'secret.map'), '{}')
  const file = join(folder, 'build/x.wasm')
  for (const url of [
    '../secret.map',
    './../secret.map',
    '..\\secret.map',
    join(folder, 'secret.map'),
    `file://${folder}/secret.map`,
    'secret.map\0',
    '..',
    '.',
    './',
    '',
  ]) {
    assert.is(sourceMapBeside(file, moduleWith(url)), null, url)
  }
})

test('a file that is too large, or none, is not read', async () => {
  const files = { stored: null, module: join(folder, 'x.wasm') }
  await writeFile(`${files.module}.map`, Buffer.alloc(SOURCE_MAP_MAX_BYTES + 1))
  assert.is(findSourceMap(readModule(EMPTY), files), null)
  await writeFile(`${files.module}.map`, Buffer.alloc(SOURCE_MAP_MAX_BYTES, 0x20))
  assert.is(findSourceMap(readModule(EMPTY), files), 'beside')
  await rm(`${files.module}.map`)
  await mkdir(`${files.module}.map`)
  assert.is(findSourceMap(readModule(EMPTY), files), null)
})
