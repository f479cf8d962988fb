import { loadFunctions } from '../../host/testing/load-functions.ts'

/** What `test/sdk/assembly/library.ts` exports: the parts of the SDK that need no request. */
export interface Library {
  base64Encode(bytes: Uint8Array): string
  base64EncodeUrl(bytes: Uint8Array): string
  base64Decode(text: string): Uint8Array | null
  base64DecodeText(text: string): Uint8Array | null
  base64OfString(text: string): string
  hexEncode(bytes: Uint8Array): string
  hexDecode(text: string): Uint8Array | null
  sha256(bytes: Uint8Array): string
  sha256OfString(text: string): string
  hmac(key: Uint8Array, bytes: Uint8Array): string
  hmacOfStrings(key: string, text: string): string
  isSame(a: string, b: string): boolean
  roundTrip(text: string): string
  roundTripBytes(bytes: Uint8Array): Uint8Array | null
  questions(text: string): string
  deep(text: string): string
  built(): string
  removed(text: string, name: string): string
  matches(pattern: string, text: string): boolean
  matchesText(pattern: string, text: string): boolean
  matchesAcross(pattern: string, text: string): boolean
  httpDate(ms: bigint): string
  isoDate(ms: bigint): string
  parseHttpDate(text: string): bigint
  plainCookie(name: string, value: string): string
  fullCookie(): string
  cookieWith(path: string, site: string): string
}

/** Compiles it and loads it, as an author's test would. */
export function loadLibrary(): Promise<Library> {
  return loadFunctions<Library>(new URL('../sdk/assembly/library.ts', import.meta.url))
}
