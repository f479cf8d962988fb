import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeRequest } from '../../host/exchange/request.ts'
import { Cleanup } from '../support/gateway.ts'
import { compiled, TestGuest, temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/readme', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

const examples = async (): Promise<string[]> => {
  const text = await readFile(new URL('../../sdk/README.md', import.meta.url), 'utf8')
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, source]) => source ?? '')
}

test('the first filter has at most 12 lines and works as it stands', async () => {
  const [first] = await examples()
  assert.ok(first !== undefined && first.trim().split('\n').length <= 12)
  const dir = await temporaryFolder(cleanup)
  await writeFile(join(dir, 'index.ts'), first)
  const guest = await TestGuest.open(await compiled(dir))
  const { request } = await guest.run(makeRequest({}))
  assert.is(request.headers.get('x-hello'), 'world')
})

test('the other examples compile as parts of a filter', async () => {
  const [, phases, limit, nulls] = await examples()
  assert.ok(phases !== undefined && limit !== undefined && nulls !== undefined)
  const dir = await temporaryFolder(cleanup)
  const source = `import { Filter, next, parameters, reply, Request, Result, result } from '@penstock/sdk'
export ${limit
    .replace(/^export /, '')
    .trim()
    .replace(/\}$/, '')}
  ${phases.replace('return next', `if (request.path.length == 0) return this.second(request)\n  return next`)}
  private second(request: Request): Result {
    ${nulls}
    return next
  }
}
function isBot(request: Request): bool {
  return request.headers.has('x-bot')
}`
  await writeFile(join(dir, 'index.ts'), source)
  const guest = await TestGuest.open(await compiled(dir), { keys: 'k' })
  assert.equal(guest.description.results, ['bot', 'script'])
  assert.is((await guest.run(makeRequest({ headers: ['x-bot', '1'] }))).result, 'bot')
  assert.is((await guest.run(makeRequest({}))).response?.status, 401)
})
