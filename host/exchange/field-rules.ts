/** Are `name` and the lowercase `lower` the same field name? */
export function sameName(name: string, lower: string): boolean {
  const { length } = name
  if (length !== lower.length) return false
  for (let i = 0; i < length; i++) {
    const code = name.charCodeAt(i)
    const wanted = lower.charCodeAt(i)
    if (code !== wanted && (code < 0x41 || code > 0x5a || (code | 0x20) !== wanted)) return false
  }
  return true
}

/** A field name is a token (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)
}

/**
 * A field value: visible characters, obs-text, spaces and tabs, none of these two at either end
 * (RFC 9110, section 5.5). CR, LF and NUL would split the message.
 */
export function isFieldValue(text: string): boolean {
  const { length } = text
  // A loop beats the expression below some 60 characters, which is nearly every value.
  if (length > 64) return FIELD_VALUE.test(text)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff || code === 0x7f || (code < 0x20 && code !== 0x09)) return false
  }
  return !hasBlankEnds(text)
}

function hasBlankEnds(value: string): boolean {
  return (
    value.length > 0 &&
    (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))
  )
}

/** Space or tab: what `trim` takes besides is a byte of a value. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

const FIELD_VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/

/** Fields that describe the connection or the framing: the host writes them, nobody else (RFC 9110, section 7.6.1). */
export const HOST_OWNED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Fields that checked lines do not hold: whoever writes one of them takes a decision that is the engine's or
 * the forwarding rules', so they get to see it. Date is one because an answer without it must get another.
 */
export const APART: ReadonlySet<string> = new Set([
  ...HOST_OWNED_HEADERS,
  'date',
  'expect',
  'forwarded',
  'http2-settings',
  'proxy-authorization',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
])
