import { GatewayError } from '../../../host/errors.ts'
import { compileModule } from '../../../host/wasm/module/compile.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/module/compile')

test('compiles a gated module', async () => {
  const module = await compileModule(gateModule(wat('(module (func (export "f")))')))
  assert.instance(module, WebAssembly.Module)
})

test('code of the wrong type is refused with the offset in the module as it arrived', async () => {
  const bytes = wat(
    `(module (func) (func (param i32) (loop (br_if 0 (local.get 0)))) (func (result i32) (f32.const 1)))`,
    { check: false },
  )
  const body = readModule(bytes).bodies[2]
  try {
    await compileModule(gateModule(bytes))
  } catch (error) {
    assert.ok(error instanceof GatewayError)
    assert.is(error.code, 'GUEST_MODULE_INVALID')
    assert.match(error.message, /function #2.*(?:type error|expected)/)
    const { offset } = error.params as { offset: number }
    assert.ok(offset >= (body?.codeStart ?? 0) && offset <= (body?.end ?? 0), String(offset))
    return
  }
  assert.unreachable('the module was compiled')
})
