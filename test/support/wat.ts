import wabt from 'wabt'
import { ByteWriter } from '../../host/wasm/module/byte-writer.ts'

const toolkit = await wabt()

/** Every proposal wabt knows: hostile modules use what the gate has to refuse. */
const FEATURES = {
  exceptions: true,
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  threads: true,
  function_references: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  code_metadata: true,
  gc: true,
  memory64: true,
  extended_const: true,
  relaxed_simd: true,
}

/** The binary of a module in WebAssembly text; with `check` false also of one that is not valid. */
export function wat(text: string, options: { names?: boolean; check?: boolean } = {}): Uint8Array {
  const module = toolkit.parseWat('test.wat', text, FEATURES)
  try {
    if (options.check !== false) module.validate()
    return module.toBinary({ write_debug_names: options.names === true }).buffer
  } finally {
    module.destroy()
  }
}

/** The module with one more custom section at its end. */
export function withCustomSection(
  module: Uint8Array,
  name: string,
  content: Uint8Array,
): Uint8Array {
  const writer = new ByteWriter()
  writer.text(name)
  writer.raw(content)
  const output = new ByteWriter()
  output.raw(module)
  output.section(0, writer.view())
  return output.view().slice()
}
