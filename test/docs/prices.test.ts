import { readFileSync } from 'node:fs'
import { type Price, prices } from '../../bench/prices.ts'
import { assert, suite } from '../support/suite.ts'

/** Counting takes some 100,000 calls. */
const test = suite('docs/prices', { timeoutMs: 240_000 })

/** The rows of the table in the SDK's reference. */
function written(): Price[] {
  const page = readFileSync(new URL('../../sdk/README.md', import.meta.url), 'utf8')
  const table = /<!-- prices -->([\s\S]*?)<!-- \/prices -->/.exec(page)?.[1] ?? ''
  const rows = [...table.matchAll(/^\| (`.*) \| (\d+) \| (\d+) \| ([\d,]+) \| ([\d,]+) \|$/gm)]
  return rows.map(([, name = '', hostCalls, bytes, fuel = '', ns = '']) => ({
    name,
    hostCalls: Number(hostCalls),
    bytes: Number(bytes),
    fuel: Number(fuel.replaceAll(',', '')),
    ns: Number(ns.replaceAll(',', '')),
  }))
}

test('what the SDK costs is what its reference says', async () => {
  const measured = await prices(false)
  const shown = written()
  const exact = (list: readonly Price[]) =>
    list.map(({ name, hostCalls, bytes, fuel }) => ({ name, hostCalls, bytes, fuel }))
  assert.equal(exact(shown), exact(measured), 'run: node bench/prices.ts --write')
  assert.ok(shown.every(({ ns }) => ns !== null && ns >= 0))
})
