import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { MAX_FOLDER_DEPTH, MAX_SOURCE_BYTES, readSources } from '../../host/config/source.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('config/source')
let cwd = ''

test.before(async () => {
  cwd = await realpath(await mkdtemp(join(tmpdir(), 'penstock-source-')))
  const files: Record<string, string> = {
    'one.yaml': 'one',
    'conf/b.yml': 'b',
    'conf/a.yaml': 'a',
    'conf/c.json': '{}',
    'conf/notes.txt': 'no',
    'conf/.hidden.yaml': 'no',
    'conf/.git/x.yaml': 'no',
    'conf/node_modules/x.yaml': 'no',
    'conf/team/d.yaml': 'd',
    'empty/readme.md': 'no',
    'bom.yaml': '\uFEFFbom',
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(cwd, path, '..'), { recursive: true })
    await writeFile(join(cwd, path), text)
  }
  await writeFile(join(cwd, 'latin1.yaml'), Buffer.from([0x61, 0xe9]))
  await mkdir(join(cwd, `deep/${'d/'.repeat(MAX_FOLDER_DEPTH + 1)}`), { recursive: true })
  await mkdir(join(cwd, 'mounted/..data'), { recursive: true })
  await writeFile(join(cwd, 'mounted/..data/m.yaml'), 'm')
  await symlink('..data/m.yaml', join(cwd, 'mounted/m.yaml'))
  await symlink('.', join(cwd, 'mounted/circle'))
})
test.after(() => rm(cwd, { recursive: true }))

const read = (paths: string[], stdin = '') =>
  readSources(paths, { cwd, stdin: Readable.from([stdin]) })

async function failure(...paths: string[]): Promise<string> {
  const { failures } = await read(paths)
  return failures.map((one) => `${one.code} ${one.message}`).join('\n')
}

test('reads files, folders in order and standard input', async () => {
  const { sources, failures } = await read(['one.yaml', 'conf', '-'], 'typed')
  assert.equal(failures, [])
  assert.equal(
    sources.map(({ file, text }) => [file, text]),
    [
      ['one.yaml', 'one'],
      ['conf/a.yaml', 'a'],
      ['conf/b.yml', 'b'],
      ['conf/c.json', '{}'],
      ['conf/team/d.yaml', 'd'],
      ['<stdin>', 'typed'],
    ],
  )
  assert.is(sources[4]?.baseDir, join(cwd, 'conf/team'))
  assert.is(sources[5]?.baseDir, cwd)
})

test('follows links to files, as in a mounted Kubernetes volume, but not to folders', async () => {
  const { sources } = await read(['mounted'])
  assert.equal(
    sources.map((source) => source.file),
    ['mounted/m.yaml'],
  )
  assert.is(sources[0]?.baseDir, join(cwd, 'mounted'))
})

test('reads a file once that is named twice', async () => {
  const { sources } = await read(['conf/a.yaml', './conf/a.yaml', join(cwd, 'conf'), '-', '-'])
  assert.equal(
    sources.map((source) => source.file),
    ['conf/a.yaml', 'conf/b.yml', 'conf/c.json', 'conf/team/d.yaml', '<stdin>'],
  )
})

test('shows an absolute path below the working folder as a short one', async () => {
  const { sources } = await read([join(cwd, 'one.yaml')])
  assert.is(sources[0]?.file, 'one.yaml')
})

test('leaves the byte order mark out', async () => {
  assert.is((await read(['bom.yaml'])).sources[0]?.text, 'bom')
})

test('names every path that cannot be read and reads the others', async () => {
  const { sources, failures } = await read(['nope.yaml', 'one.yaml', 'gone'])
  assert.is(sources.length, 1)
  assert.equal(
    failures.map((one) => one.message),
    ['cannot read nope.yaml: no such file or folder', 'cannot read gone: no such file or folder'],
  )
})

test('refuses a folder without configuration, folders too deep and text that is not UTF-8', async () => {
  assert.is(
    await failure('empty'),
    'CONFIG_READ cannot read empty: the folder holds no .yaml, .yml or .json file',
  )
  assert.match(await failure('deep'), /folders are nested deeper than 8/)
  assert.is(
    await failure('latin1.yaml'),
    'CONFIG_READ cannot read latin1.yaml: it is not UTF-8 text',
  )
})

test('refuses a file, a device and standard input past 16 MiB', async () => {
  const large = join(cwd, 'large.yaml')
  await writeFile(large, Buffer.alloc(MAX_SOURCE_BYTES + 1, 0x23))
  assert.is(
    await failure('large.yaml'),
    'CONFIG_READ cannot read large.yaml: it is larger than 16 MiB',
  )
  await writeFile(large, Buffer.alloc(MAX_SOURCE_BYTES, 0x23))
  assert.is(await failure('large.yaml'), '')
  await rm(large)
  assert.match(await failure('/dev/zero'), /larger than 16 MiB/)
  const endless = Readable.from(endlessBytes())
  const { failures } = await readSources(['-'], { cwd, stdin: endless })
  assert.match(failures[0]?.message ?? '', /standard input: it is larger than 16 MiB/)
})

function* endlessBytes(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(1024 * 1024)
}
