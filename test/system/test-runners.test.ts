import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeBlocks } from '../docs/code-blocks.ts'
import { assert, suite } from '../support/suite.ts'
import { startRegistry } from './local-registry.ts'
import { packPackages, runAsUser } from './packed-packages.ts'

/** Packing builds everything, and the runners come from the registry when the cache of npm has none. */
const test = suite('system/test-runners', { timeoutMs: 600_000 })

const blocks = codeBlocks(new URL('../../docs/testing.md', import.meta.url))

let folder = ''
let project = ''
let registry: { readonly url: string; readonly server: Server }

const scope = (): string => `--@penstock:registry=${registry.url}`
const inProject = (command: string, ...args: string[]): Promise<string> =>
  runAsUser(command, args, project)

/** The command of the page that installs a runner; nothing when that one is there by itself. */
async function install(runner: string): Promise<void> {
  const block = blocks.find(({ language, file }) => language === 'sh' && file === runner)
  assert.ok(block !== undefined, runner)
  const [command = '', ...args] = block.text.trim().split(' ')
  assert.match(args.at(-1) ?? '', new RegExp(`^${runner}@\\d+\\.\\d+\\.\\d+$`))
  await inProject(command, ...args, scope())
}

async function save(file: string): Promise<void> {
  const block = blocks.find((one) => one.file === file)
  assert.ok(block !== undefined, file)
  await writeFile(join(project, file), block.text)
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-test-runners-'))
  const packages = await packPackages(folder)
  registry = await startRegistry(packages)
  const work = join(folder, 'work')
  await mkdir(work)
  const creator = packages.at(-1)?.file ?? ''
  const create = ['exec', '--yes', scope(), `--package=${creator}`, '--', 'create-penstock']
  await runAsUser('npm', [...create, 'my-filter'], work)
  project = join(work, 'my-filter')
  await inProject('npm', 'install', scope())
  await install('uvu')
  await install('vitest')
})
test.after(async () => {
  registry?.server.close()
  await rm(folder, { recursive: true, force: true })
})

test('one filter is tested with node:test, uvu and vitest, each by the example of the page', async () => {
  const files = ['tenant.test.ts', 'tenant-uvu.test.ts', 'tenant-vitest.test.ts']
  assert.equal(
    blocks.flatMap(({ language, file }) => (language === 'ts' ? [file] : [])),
    files,
  )
  for (const file of files) await save(file)
  const said = await inProject('npm', 'test')
  assert.match(said, '✔ node:test: the upstream is told the tenant')
  assert.match(said, /Total: +1\n +Passed: +1\n/)
  assert.match(said, /✓ tenant-vitest\.test\.ts \(1 test\)/)
  assert.match(said, 'all tests passed')
})

test('each runner takes its file by itself too, and fails when the filter does otherwise', async () => {
  const runs = [
    ['node', '--test', 'tenant.test.ts'],
    ['npx', 'uvu', '.', 'tenant-uvu\\.test\\.ts$'],
    ['npx', 'vitest', 'run', 'tenant-vitest.test.ts'],
  ]
  // The Node of the project, which strips types; npx and npm have it in the path by themselves.
  const asScript = (args: readonly string[]): Promise<string> =>
    inProject('npm', 'exec', '--offline', '--', ...args.filter((word) => word !== 'npx'))
  for (const args of runs) await asScript(args)
  for (const [index, file] of [
    'tenant.test.ts',
    'tenant-uvu.test.ts',
    'tenant-vitest.test.ts',
  ].entries()) {
    const text = blocks.find((one) => one.file === file)?.text ?? ''
    await writeFile(join(project, file), text.replaceAll("'acme')", "'other')"))
    const failed = await asScript(runs[index] ?? []).then(
      () => '',
      (error: Error) => error.message,
    )
    assert.match(failed, /acme[\s\S]*other|other[\s\S]*acme/, file)
    await writeFile(join(project, file), text)
  }
})
