import { encodeUnsigned } from '../toolchain/section.ts'

/** The module with one more custom section at its end: other bytes that mean the same. */
export function appendSection(wasm: Uint8Array, name: string, content: string): Uint8Array {
  const nameBytes = Buffer.from(name)
  const contentBytes = Buffer.from(content)
  const nameSize = encodeUnsigned(nameBytes.length)
  const size = encodeUnsigned(nameSize.length + nameBytes.length + contentBytes.length)
  return Buffer.concat([wasm, Buffer.of(0), size, nameSize, nameBytes, contentBytes])
}
