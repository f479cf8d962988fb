import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourceLines } from '../../host/inspect/source-lines.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('inspect/source-lines')

let folder = ''
let module = ''
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-source-'))
  await mkdir(join(folder, 'build'))
  module = join(folder, 'build/x.wasm')
  await writeFile(join(folder, 'index.ts'), 'edited\n'.repeat(20))
})
test.after.each(() => rm(folder, { recursive: true }))

const text = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`).join('\n')

async function map(sources: string[], sourcesContent: (string | null)[]): Promise<void> {
  await writeFile(`${module}.map`, JSON.stringify({ version: 3, sources, sourcesContent }))
}

test('the text is what was compiled, not what is on disk since', async () => {
  await map(['~lib/rt.ts', 'index.ts'], ['library', text])
  const found = sourceLines([`${folder}/index.ts:10:3 in Filter#onRequest`], [module])
  assert.is(found?.line, 10)
  assert.is(found?.column, 3)
  assert.equal(
    found?.lines.map((line) => line.text),
    ['line 6', 'line 7', 'line 8', 'line 9', 'line 10', 'line 11', 'line 12', 'line 13', 'line 14'],
  )
})

test('without a map, or with one that cannot be read, the file stands in', async () => {
  const places = [`${folder}/index.ts:1:1`]
  assert.is(sourceLines(places, [module])?.lines[0]?.text, 'edited')
  await writeFile(`${module}.map`, 'no JSON')
  assert.is(sourceLines(places, [module])?.lines[0]?.text, 'edited')
})

test('places in a library come last, and what is nowhere gives nothing', async () => {
  await map(['~lib/array.ts', 'index.ts'], [text, text])
  const places = ['~lib/array.ts:5:1', `${folder}/index.ts:7:1`]
  assert.is(sourceLines(places, [module])?.line, 7)
  assert.is(sourceLines(['~lib/array.ts:5:1'], [module])?.file, '~lib/array.ts')
  assert.is(sourceLines(['offset 0x12'], [module]), null)
  assert.is(sourceLines(['gone.ts:1:1'], [module]), null)
  assert.is(sourceLines([`${folder}/index.ts:999:1`], [module]), null)
})
