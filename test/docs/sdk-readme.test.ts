import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test as runTests } from '../../host/cli/commands/test.ts'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { fakeIo } from '../cli/support.ts'
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

test('the tests of the page pass against its filter', async () => {
  const dir = join(await temporaryFolder(cleanup), 'orders')
  await mkdir(dir)
  await installPenstock(dir)
  await writeFile(join(dir, 'index.ts'), filters.at(-1)?.text ?? '')
  const files = blocks.filter(({ file }) => file !== '')
  assert.is(files.length, 3)
  for (const { file, text } of files) await writeFile(join(dir, file), text)
  const io = fakeIo({ cwd: dir })
  assert.is(await runTests([], io), 0, io.out() + io.err())
  assert.match(io.out(), '✔ the card number is hidden')
  assert.match(io.out(), '✔ four characters are left')
})
