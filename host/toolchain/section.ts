import type { ParameterDescription } from './scan-calls.ts'
import type { PhaseName } from './scan-phases.ts'

/** What a module says about itself, as sdk/ABI.md lists it. */
export interface ModuleDescription {
  readonly abi: 'penstock_v1'
  readonly name: string
  readonly version: string
  readonly sdk: string
  readonly phases: readonly PhaseName[]
  readonly body: {
    readonly request: 'none' | 'bytes'
    readonly response: 'none' | 'bytes'
    readonly limit: number
  }
  readonly results: readonly string[]
  readonly shared: readonly string[]
  readonly parameters: Readonly<Record<string, ParameterDescription>>
  readonly grant: Readonly<Record<string, unknown>>
}

/**
 * The module with the custom section `penstock` at its end, where it moves no code: offsets of source
 * maps stay right.
 *
 *     ┌────┬──────────┬───────────┬────────────┬──────────────┐
 *     │ 00 │ size     │ 08        │ "penstock" │ JSON, UTF-8  │
 *     └────┴──────────┴───────────┴────────────┴──────────────┘
 *       id   LEB128     name size   name         content
 */
export function appendDescription(wasm: Uint8Array, description: ModuleDescription): Uint8Array {
  const name = Buffer.from('penstock', 'utf8')
  const content = Buffer.from(JSON.stringify(description), 'utf8')
  const nameSize = encodeUnsigned(name.length)
  const size = encodeUnsigned(nameSize.length + name.length + content.length)
  return Buffer.concat([wasm, Buffer.of(0), size, nameSize, name, content])
}

/** Unsigned LEB128, as the WebAssembly core specification (5.2.2) has it. */
export function encodeUnsigned(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low + 128 : low)
  } while (rest > 0)
  return Buffer.from(bytes)
}
