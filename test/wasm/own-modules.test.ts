import { readFileSync } from 'node:fs'
import { ownModules } from '../../.ci/wat.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/own-modules')

test('the modules are what their WebAssembly text says', async () => {
  for (const [file, text] of await ownModules()) {
    assert.is(readFileSync(file, 'utf8'), text, `${file}: run: node .ci/wat.ts`)
  }
})
