import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Cleanup } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { type Case, parseCase, runCase } from './run-case.ts'

const test = suite('cases')

/**
 * Every folder here is a whole configuration with requests in, and responses, headers and access-log tags
 * out; its name is the sentence it shows. See `run-case.ts` for what a case may say.
 */
const entries = await readdir(import.meta.dirname, { withFileTypes: true })
const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)

for (const name of names.sort()) {
  const dir = join(import.meta.dirname, name)
  test(name.replaceAll('-', ' '), async () => {
    const cleanup = new Cleanup()
    const gateway = await readFile(join(dir, 'gateway.yaml'), 'utf8')
    const oneCase: Case = parseCase(await readFile(join(dir, 'case.yaml'), 'utf8'))
    try {
      await runCase(cleanup, gateway, oneCase)
    } finally {
      await cleanup.run()
    }
  })
}

test('there are cases, and each has steps', async () => {
  assert.ok(names.length >= 40, `${names.length} cases`)
  for (const name of names) {
    const text = await readFile(join(import.meta.dirname, name, 'case.yaml'), 'utf8')
    assert.ok(parseCase(text).steps.length > 0, name)
  }
})
