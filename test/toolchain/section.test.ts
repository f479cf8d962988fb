import {
  appendDescription,
  encodeUnsigned,
  type ModuleDescription,
} from '../../host/toolchain/section.ts'
import { readDescription } from '../../host/wasm/module/description.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('toolchain/section')

const DESCRIPTION: ModuleDescription = {
  abi: 'penstock_v1',
  name: 'a',
  version: '1.2.3',
  sdk: '0.1.0',
  phases: ['request'],
  body: { request: 'none', response: 'none', limit: 10 },
  results: ['blocked'],
  shared: ['tenant'],
  parameters: { keys: { type: 'string', required: true, description: `"ü" ${'x'.repeat(300)}` } },
  grant: {},
}

test('the host reads what was written, and the code is where it was', () => {
  const bare = wat(
    '(module (memory (export "memory") 1) (func (export "penstock_on_request") (result i32) (i32.const 0)))',
  )
  const module = appendDescription(bare, DESCRIPTION)
  assert.equal(Buffer.from(module.subarray(0, bare.length)), Buffer.from(bare))
  const description = readDescription(readModule(module))
  assert.is(description.isDeclared, true)
  assert.equal(description.results, ['blocked'])
  assert.equal(
    description.parameters['keys']?.description,
    DESCRIPTION.parameters['keys']?.description,
  )
  assert.equal(description.unknownFields, [])
  assert.ok(WebAssembly.validate(new Uint8Array(module)))
})

test('numbers are LEB128', () => {
  assert.equal([...encodeUnsigned(0)], [0])
  assert.equal([...encodeUnsigned(127)], [0x7f])
  assert.equal([...encodeUnsigned(128)], [0x80, 0x01])
  assert.equal([...encodeUnsigned(624_485)], [0xe5, 0x8e, 0x26])
})
