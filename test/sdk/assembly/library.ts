import { base64, dates, hash, hex, json, Pattern, SetCookie, Text } from '@penstock/sdk'

/* The SDK's library as functions a test can call: texts cross as UTF-8. */

export function base64Encode(bytes: Uint8Array): string {
  return base64.encode(bytes)
}
export function base64EncodeUrl(bytes: Uint8Array): string {
  return base64.encodeUrl(bytes)
}
export function base64Decode(text: string): Uint8Array | null {
  const found = base64.decode(text)
  return found === null ? null : found.toBytes()
}
export function base64DecodeText(text: Text): Uint8Array | null {
  const found = base64.decode(text)
  return found === null ? null : found.toBytes()
}
export function base64OfString(text: string): string {
  return base64.encode(text)
}
export function hexEncode(bytes: Uint8Array): string {
  return hex.encode(bytes)
}
export function hexDecode(text: string): Uint8Array | null {
  const found = hex.decode(text)
  return found === null ? null : found.toBytes()
}
export function sha256(bytes: Uint8Array): string {
  return hex.encode(hash.sha256(bytes))
}
export function sha256OfString(text: string): string {
  return hex.encode(hash.sha256(text))
}
export function hmac(key: Uint8Array, bytes: Uint8Array): string {
  return hex.encode(hash.hmacSha256(key, bytes))
}
export function hmacOfStrings(key: string, text: string): string {
  return hex.encode(hash.hmacSha256(key, text))
}
export function isSame(a: Text, b: Text): bool {
  return hash.isSame(a, b)
}

/** The text read and written again, or what is wrong with it. */
export function roundTrip(text: string): string {
  const value = json.parse(text)
  return value === null ? `! ${json.problem()}` : value.toString()
}
export function roundTripBytes(bytes: Uint8Array): Uint8Array | null {
  const value = json.parse(bytes)
  return value === null ? null : value.toText().toBytes()
}
/** What every question answers for the member `x`. */
export function questions(text: string): string {
  const value = json.parse(text)
  if (value === null) return '!'
  const x = value.get('x')
  const kinds = `${x.isMissing} ${x.isNull} ${x.isObject} ${x.isArray} ${x.isString} ${x.isNumber} ${x.isFlag}`
  return `${kinds}|${x.length}|${x.text('none')}|${x.integer(-1)}|${x.number(-1.5)}|${x.flag(false)}|${value.has('x')}`
}
export function deep(text: string): string {
  const value = json.parse(text)
  if (value === null) return '!'
  return (
    value.get('a').at(1).get('b').at(0).text('none') + value.get('a').nameAt(0) + value.nameAt(0)
  )
}
export function built(): string {
  const value = json.object().set('text', 'a"b').set('whole', 5).set('half', 0.5).set('on', true)
  value.set('list', json.array().push(1).push('two').push(json.nothing()).push(Text.utf8('ü')))
  value
    .set('nan', NaN)
    .set('big', u64.MAX_VALUE)
    .set('wide', <f64>3)
  value.set('whole', 6).set('gone', 1).set('none', changetype<string | null>(0))
  value.remove('gone')
  value.get('list').setAt(0, 'one')
  return value.toString()
}
export function removed(text: string, name: string): string {
  const value = json.parse(text)
  if (value === null) return '!'
  const isFound = value.remove(name)
  return `${isFound} ${value}`
}

export function matches(pattern: string, text: string): bool {
  return new Pattern(pattern).matches(text)
}
export function matchesText(pattern: string, text: Text): bool {
  return new Pattern(pattern).matches(text)
}
export function matchesAcross(pattern: string, text: string): bool {
  return new Pattern(pattern, '').matches(text)
}

export function httpDate(ms: i64): string {
  return dates.http(ms)
}
export function isoDate(ms: i64): string {
  return dates.iso(ms)
}
export function parseHttpDate(text: string): i64 {
  return dates.parseHttp(text)
}

export function plainCookie(name: string, value: string): string {
  return new SetCookie(name, value).toString()
}
export function fullCookie(): string {
  return new SetCookie('a', 'b')
    .path('/x')
    .domain('example.com')
    .maxAge(60)
    .expires(784111777000)
    .secure()
    .httpOnly()
    .sameSite('Lax')
    .toString()
}
export function cookieWith(path: string, site: string): string {
  return new SetCookie('a', 'b').path(path).sameSite(site).toString()
}
