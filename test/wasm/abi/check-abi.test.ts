import { GatewayError } from '../../../host/errors.ts'
import type { AbiTable } from '../../../host/wasm/abi/abi-table.ts'
import { checkAbi } from '../../../host/wasm/abi/check-abi.ts'
import { EASEGRESS } from '../../../host/wasm/abi/easegress.ts'
import { PENSTOCK_V1 } from '../../../host/wasm/abi/penstock-v1.ts'
import { type PluginDescription, readDescription } from '../../../host/wasm/module/description.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat, withCustomSection } from '../../support/wat.ts'

const test = suite('wasm/abi/check-abi')

const PHASE = '(func (export "penstock_on_request") (result i32) (i32.const 0))'
const MEMORY = '(memory (export "memory") 1)'

function check(bytes: Uint8Array): string {
  const info = readModule(bytes)
  return checkAbi(info, readDescription(info)).name
}

function refusal(text: string): GatewayError {
  return refusalOf(wat(text))
}

function refusalOf(bytes: Uint8Array): GatewayError {
  try {
    check(bytes)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('the module was accepted')
}

/** `(i32, i32) -> f64` in the text format. */
function textType(signature: string): string {
  const [params = '', result] = signature.split(' -> ')
  const types = params.replace(/[(),]/g, '')
  return `(param ${types}) ${result === undefined ? '' : `(result ${result})`}`
}

/** A module that imports every call of a table. */
function importsAll(abi: AbiTable, exports: string): string {
  const imports = Object.entries(abi.imports).flatMap(([module, calls]) =>
    Object.entries(calls).map(
      ([name, signature]) => `(import "${module}" "${name}" (func ${textType(signature)}))`,
    ),
  )
  return `(module ${imports.join('\n')} ${MEMORY} ${exports})`
}

test('a module that imports every host call with its signature fits', () => {
  assert.is(check(wat(importsAll(PENSTOCK_V1, PHASE))), 'penstock_v1')
  assert.is(Object.keys(PENSTOCK_V1.imports.penstock_v1).length, 41)
})

const EASEGRESS_EXPORTS = `(func (export "wasm_run") (result i32) (i32.const 0))
  (func (export "wasm_alloc") (param i32) (result i32) (i32.const 8))
  (func (export "wasm_free") (param i32))`

test('a module built for Easegress fits with all 50 host calls and WASI beside them', () => {
  assert.is(check(wat(importsAll(EASEGRESS, EASEGRESS_EXPORTS))), 'easegress')
  assert.is(Object.keys(EASEGRESS.imports.easegress).length, 50)
})

test('a module built for Easegress is known by what it exports, and must export all of it', () => {
  assert.is(check(wat(`(module ${MEMORY} ${EASEGRESS_EXPORTS})`)), 'easegress')
  const error = refusal(`(module ${MEMORY} (func (export "wasm_run") (result i32) (i32.const 0)))`)
  assert.is(error.code, 'GUEST_EXPORT_MISSING')
  assert.match(error.message, /wasm_alloc, wasm_free$/)
})

test('a module built for Easegress gets the bodies it has calls for', () => {
  const reads = (call: string): PluginDescription['body'] =>
    readDescription(
      readModule(
        wat(`(module (import "easegress" "${call}" (func (result i32)))
          ${MEMORY} ${EASEGRESS_EXPORTS})`),
      ),
    ).body
  const limit = 4 * 1024 * 1024
  assert.equal(reads('host_req_get_body'), { request: 'bytes', response: 'none', limit })
  assert.equal(reads('host_resp_get_body'), { request: 'none', response: 'bytes', limit })
  assert.equal(reads('host_req_get_path'), { request: 'none', response: 'none', limit })
})

test('unknown imports are refused, all of them with their names (W27)', () => {
  const error = refusal(`(module
    (import "penstock_v1" "open_file" (func))
    (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
    (import "penstock_v1" "now" (func (result f64)))
    (import "constructor" "toString" (func))
    ${MEMORY} ${PHASE})`)
  assert.is(error.code, 'GUEST_IMPORT_UNKNOWN')
  assert.match(
    error.message,
    /: penstock_v1\.open_file, wasi_snapshot_preview1\.fd_write, constructor\.toString$/,
  )
})

test('a known import with another signature is refused with both (W28)', () => {
  const error = refusal(
    `(module (import "penstock_v1" "now" (func (param i32) (result i64))) ${MEMORY} ${PHASE})`,
  )
  assert.is(error.code, 'GUEST_IMPORT_UNKNOWN')
  assert.match(error.message, /penstock_v1\.now \(as \(i32\) -> i64, it is \(\) -> f64\)/)
})

test('imported memories, tables and globals are refused (W29)', () => {
  const error = refusal(`(module
    (import "env" "memory" (memory 1)) (import "env" "table" (table 1 funcref))
    (import "env" "abort" (global i32)) (export "memory" (memory 0)) ${PHASE})`)
  assert.is(error.code, 'GUEST_IMPORT_UNKNOWN')
  assert.match(
    error.message,
    /env\.memory \(a memory\), env\.table \(a table\), env\.abort \(a global\)/,
  )
})

test('a module without memory or without a phase is refused', () => {
  const error = refusal('(module (func (export "run")))')
  assert.is(error.code, 'GUEST_EXPORT_MISSING')
  assert.match(
    error.message,
    /memory, penstock_on_request or penstock_on_response or penstock_on_done/,
  )
})

test('an export of the wrong kind or signature is refused (W31)', () => {
  const error =
    refusal(`(module (func (export "memory")) (global (export "_initialize") i32 (i32.const 0))
    (func (export "penstock_on_request") (param i32)))`)
  assert.is(error.code, 'GUEST_EXPORT_MISSING')
  assert.match(error.message, /memory \(it is a function, not a memory\)/)
  assert.match(error.message, /_initialize \(it is a global, not a function\)/)
  assert.match(error.message, /penstock_on_request \(as \(i32\), it must be \(\) -> i32\)/)
})

function described(fields: object): Uint8Array {
  const description = {
    abi: 'penstock_v1',
    name: 'x',
    version: '1',
    phases: ['request'],
    ...fields,
  }
  return withCustomSection(
    wat(`(module ${MEMORY} ${PHASE})`),
    'penstock',
    Buffer.from(JSON.stringify(description)),
  )
}

test('a declared phase must be exported', () => {
  assert.is(check(described({})), 'penstock_v1')
  const error = refusalOf(described({ phases: ['request', 'done'] }))
  assert.is(error.code, 'GUEST_EXPORT_MISSING')
  assert.match(error.message, /lacks the export penstock_on_done$/)
})

test('a declared ABI this host does not speak is refused by name', () => {
  const error = refusalOf(described({ abi: 'penstock_v9' }))
  assert.is(error.code, 'GUEST_DESCRIPTION')
  assert.match(error.message, /the ABI "penstock_v9" is not one of penstock_v1, easegress/)
})
