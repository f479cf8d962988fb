import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lookupModules } from '../../../.ci/lookup.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/lookup/modules')

test('the modules are what their WebAssembly text says', async () => {
  const file = join(import.meta.dirname, '../../../host/wasm/lookup/modules.ts')
  assert.is(readFileSync(file, 'utf8'), await lookupModules(), 'run: node .ci/lookup.ts')
})
