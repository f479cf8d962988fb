import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as runTests } from '../../host/cli/commands/test.ts'
import { projectFiles } from '../../host/cli/new/project.ts'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { fakeIo, run } from '../cli/support.ts'
import { Cleanup } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { type CodeBlock, codeBlocks } from './code-blocks.ts'
import { installPenstock } from './install.ts'

const test = suite('docs/sdk-readme', { timeoutMs: 240_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const blocks = codeBlocks(new URL('../../sdk/README.md', import.meta.url)).filter(
  ({ language }) => language === 'ts',
)
const filters = blocks.filter(({ file }) => file === '')

async function open(block: CodeBlock | undefined): Promise<TestFilter> {
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'index.ts'), block?.text ?? '')
  return loadFilter(dir)
}

test('the first filter has at most 12 lines and works as it stands', async () => {
  const [first] = filters
  assert.ok(first !== undefined && first.text.trim().split('\n').length <= 12)
  const { requestChanges } = await (await open(first)).request()
  assert.equal(requestChanges, ['+ x-hello: world'])
})

test('every other filter does what the text says', async () => {
  const [, door, limit, scripts] = filters
  const first = await open(door)
  const bot = await first.request({ headers: { 'x-bot': '1' } })
  assert.is(bot.result, 'bot')
  assert.is((await first.request()).reply?.status, 401)
  const second = await open(limit)
  assert.is((await second.request({ method: 'POST', body: 'x'.repeat(1024) })).result, 'next')
  assert.is((await second.request({ method: 'POST', body: 'x'.repeat(1025) })).reply?.status, 413)
  const third = await open(scripts)
  const script = await third.request({ headers: { 'user-agent': 'curl/8.0' } })
  assert.is(script.result, 'script')
  assert.is((await third.request()).result, 'next')
})

/** Runs files of the page beside the filter of this class; what the tests print. */
async function testPage(name: string, files: readonly string[]): Promise<string> {
  const dir = join(await temporaryFolder(cleanup), name.toLowerCase())
  await mkdir(dir)
  await installPenstock(dir)
  const filter = filters.find(({ text }) => text.includes(`class ${name} `))
  await writeFile(join(dir, 'index.ts'), filter?.text ?? '')
  for (const file of files) {
    const block = blocks.find((one) => one.file === file)
    await writeFile(join(dir, file), block?.text ?? '')
  }
  const io = fakeIo({ cwd: dir })
  assert.is(await runTests([], io), 0, io.out() + io.err())
  return io.out()
}

test('the tests of the page pass against its filters', async () => {
  const orders = await testPage('Orders', ['orders.test.ts', 'mask.ts', 'mask.test.ts'])
  assert.match(orders, '✔ the card number is hidden')
  assert.match(orders, '✔ four characters are left')
  const known = await testPage('Known', ['known.test.ts'])
  assert.match(known, '✔ the plan of a user goes on with the request')
  const signedIn = await testPage('SignedIn', ['signed-in.test.ts'])
  assert.match(signedIn, '✔ a token of the login service says who it is, and no other does')
  assert.is(blocks.filter(({ file }) => file !== '').length, 5)
})

test('the command of the page builds its first filter, and its tsconfig is that of a new project', async () => {
  const all = codeBlocks(new URL('../../sdk/README.md', import.meta.url))
  const [command, ...others] = all.filter(({ language }) => language === 'sh')
  assert.is(others.length, 0)
  const words = (command?.text ?? '').split('#')[0]?.trim().split(' ') ?? []
  assert.is(words.shift(), 'penstock')
  const dir = await temporaryFolder(cleanup)
  await mkdir(join(dir, 'my-filter'))
  await writeFile(join(dir, 'my-filter/index.ts'), filters[0]?.text ?? '')
  const built = await run(words, { cwd: dir })
  assert.is(built.code, 0, built.err)
  await access(join(dir, 'my-filter/build/my-filter.wasm'))
  const [config, ...more] = all.filter(({ language }) => language === 'json')
  assert.is(more.length, 0)
  const made = projectFiles('my-filter', 'header').find(({ path }) => path === 'tsconfig.json')
  const { extends: base, compilerOptions } = JSON.parse(made?.text ?? '{}')
  const shown = JSON.parse(config?.text ?? '{}')
  assert.equal([shown.extends, shown.compilerOptions], [base, compilerOptions])
})
