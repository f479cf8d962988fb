import { invalid } from './module-error.ts'

/**
 * Checks the eight bytes every core module starts with. What people hand in by mistake gets its own
 * sentence with what to do: an empty file, a page of a web server, an archive, a component.
 */
export function checkPreamble(bytes: Uint8Array): void {
  if (bytes.length === 0) throw invalid(0, 'the file is empty: build or download it again')
  const magic = bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d
  if (!magic) throw invalid(0, describe(bytes))
  if (bytes.length < 8) {
    throw invalid(
      bytes.length,
      'the file ends inside its first 8 bytes: build or download it again',
    )
  }
  const layer = bytes[6] === 1 && bytes[7] === 0
  if (layer) {
    throw invalid(4, 'this is a component: build a core module, components are not supported')
  }
  if (bytes[4] !== 1 || bytes[5] !== 0 || bytes[6] !== 0 || bytes[7] !== 0) {
    throw invalid(4, 'unknown version of the binary format: this host runs version 1')
  }
}

function describe(bytes: Uint8Array): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'this is a gzip file: unpack it first'
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'this is a zip file: unpack the module from it'
  if (bytes[0] === 0x28 && bytes[1] === 0xb5) return 'this is a zstd file: unpack it first'
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256))
  const text = head.toString('latin1').trimStart()
  if (/^<(?:!doctype|html|\?xml|head|body)/i.test(text)) {
    return 'this is a web page: check the address the file was downloaded from'
  }
  if (/^\((?:module|component|;)|^;;/.test(text)) {
    return 'this is WebAssembly text: convert it to a binary module, for instance with wat2wasm'
  }
  if (text.startsWith('AGFzbQ'))
    return 'this is base64 text: decode it, or put it into "code" itself'
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text)) return 'this is a text file, not a module'
  return 'the file does not start with the mark of a module, 00 61 73 6D'
}
