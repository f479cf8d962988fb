import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as runTests } from '../../../host/cli/commands/test.ts'
import { validate } from '../../../host/cli/commands/validate.ts'
import { developmentDependencies, nodePackages } from '../../../host/cli/new/versions.ts'
import { Cleanup } from '../../support/gateway.ts'
import { temporaryFolder } from '../../support/guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { fakeIo, run } from '../support.ts'

const test = suite('cli/commands/new', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const ROOT = new URL('../../../', import.meta.url)

/** What an installation would put there: the package's tests kit, from the sources. */
async function installKit(project: string): Promise<void> {
  const folder = join(project, 'node_modules/@penstock/gateway')
  await mkdir(folder, { recursive: true })
  const manifest = {
    name: '@penstock/gateway',
    type: 'module',
    exports: { './testing': './kit.js' },
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(
    join(folder, 'kit.js'),
    `export * from '${new URL('host/testing.ts', ROOT).href}'\n`,
  )
}

for (const template of ['header', 'body']) {
  test(`a project from the template ${template} is whole, valid, and its tests pass`, async () => {
    const dir = await temporaryFolder(cleanup)
    const made = await run(['new', 'api-limit', '--template', template], { cwd: dir })
    assert.is(made.code, 0, made.err)
    assert.match(made.out, /^made api-limit\/\n {2}index\.ts +the filter\n/)
    assert.match(made.out, /Next:\n {2}cd api-limit\n {2}npm install\n {2}npm test/)
    const project = join(dir, 'api-limit')
    assert.equal((await readdir(project)).sort(), [
      '.gitignore',
      'README.md',
      'api-limit.test.ts',
      'bench.json',
      'gateway.schema.json',
      'gateway.yaml',
      'index.ts',
      'package.json',
      'tsconfig.json',
    ])
    for (const file of await readdir(project)) {
      const text = await readFile(join(project, file), 'utf8')
      assert.not.match(text, /my-filter|MyFilter|TRY\n/, file)
    }
    assert.match(await readFile(join(project, 'index.ts'), 'utf8'), 'export class ApiLimit extends')
    await installKit(project)
    const io = fakeIo({ cwd: project })
    assert.is(await runTests([], io), 0, io.out() + io.err())
    assert.match(io.out(), '✔ memory does not grow with the number of requests')
    const checked = fakeIo({ cwd: project })
    assert.is(await validate(['gateway.yaml'], checked), 0, checked.err())
  })
}

test('it works in an empty folder that is there, and in the current one', async () => {
  const dir = join(await temporaryFolder(cleanup), 'here')
  await mkdir(dir)
  const made = await run(['new', '.'], { cwd: dir })
  assert.is(made.code, 0, made.err)
  assert.not.match(made.out, 'cd ')
  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as { name: string }
  assert.is(manifest.name, 'here')
})

test('a folder that holds something and a name that cannot be one are refused', async () => {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'file'), '')
  await mkdir(join(dir, 'full'))
  await writeFile(join(dir, 'full/a'), '')
  const refused: readonly (readonly [string[], RegExp])[] = [
    [['new', 'full'], /full exists and is not empty/],
    [['new', 'file'], /file exists and is not empty/],
    [['new', 'My Filter'], /"My Filter" cannot be a name.*; "my-filter" can/],
    [['new', '-x'], /unknown option/],
    [['new', 'a', '--template', 'nothing'], /Allowed choices are header, body/],
    [['new'], /missing required argument[\s\S]*"penstock new --help"/],
  ]
  for (const [args, message] of refused) {
    const result = await run(args, { cwd: dir })
    assert.is(result.code, 2, args.join(' '))
    assert.match(result.err, message)
  }
  assert.equal((await readdir(dir)).sort(), ['file', 'full'])
})

test('what a project depends on is what this package is built with', async () => {
  const read = async (path: string): Promise<Record<string, Record<string, string>>> =>
    JSON.parse(await readFile(new URL(path, ROOT), 'utf8'))
  const own = await read('package.json')
  const wanted = developmentDependencies()
  assert.is(wanted['assemblyscript'], own['devDependencies']?.['assemblyscript'])
  const loader = { ...own['devDependencies'], ...own['dependencies'] }['@assemblyscript/loader']
  assert.is(wanted['@assemblyscript/loader'], loader)
  const sdk = (await read('sdk/package.json')) as unknown as { version: string }
  assert.is(wanted['@penstock/sdk'], sdk.version)
  const runtime = await read('host/runtime/package.json')
  assert.equal(nodePackages(), runtime['optionalDependencies'])
  const create = await read('host/create/package.json')
  assert.equal(create['optionalDependencies'], runtime['optionalDependencies'])
  assert.equal(create['dependencies'], { '@penstock/gateway': wanted['@penstock/gateway'] })
})

test('npm create penstock is penstock new, on any Node', async () => {
  const dir = await temporaryFolder(cleanup)
  const modules = join(dir, 'node_modules')
  await mkdir(join(modules, 'create-penstock'), { recursive: true })
  await mkdir(join(modules, '@penstock/gateway/host/bin'), { recursive: true })
  const script = await readFile(new URL('host/create/create-penstock.cjs', ROOT), 'utf8')
  await writeFile(join(modules, 'create-penstock/create-penstock.cjs'), script)
  await writeFile(
    join(modules, '@penstock/gateway/package.json'),
    '{ "name": "@penstock/gateway" }',
  )
  const bin = join(modules, '@penstock/gateway/host/bin/penstock.cjs')
  await writeFile(bin, 'console.log(process.argv.slice(2).join(" "))')
  const args = [join(modules, 'create-penstock/create-penstock.cjs'), 'a', '--template', 'body']
  const out = execFileSync(process.execPath, args, { encoding: 'utf8' })
  assert.is(out, 'new a --template body\n')
})

test('penstock schema writes what a project has', async () => {
  const dir = await temporaryFolder(cleanup)
  const shown = await run(['schema'], { cwd: dir })
  assert.is(shown.code, 0)
  const written = await run(['schema', '--out', 'x.json'], { cwd: dir })
  assert.match(written.out, 'begin gateway.yaml with "# yaml-language-server: $schema=x.json"')
  assert.is(await readFile(join(dir, 'x.json'), 'utf8'), shown.out)
  assert.is((await run(['schema', '--out', 'no/x.json'], { cwd: dir })).code, 2)
})
