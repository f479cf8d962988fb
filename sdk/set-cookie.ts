import * as dates from './dates.ts'

/**
 * A cookie to set (RFC 6265). Traps at a name or a value that could not travel.
 *
 *     response.setCookie(new SetCookie('variant', 'b').path('/').maxAge(86400).secure().httpOnly())
 */
@final
export class SetCookie {
  private text: string

  constructor(name: string, value: string) {
    if (!isName(name)) throw new Error(`"${name}" is no cookie name`)
    if (!isValue(value))
      throw new Error(`the value of the cookie "${name}" cannot travel: encode it`)
    this.text = `${name}=${value}`
  }

  /** Where it is sent back to: this path and all below. */
  path(value: string): SetCookie {
    return this.attribute('Path', value)
  }

  /** Other hosts it is sent to; without it, only to the one that set it. */
  domain(value: string): SetCookie {
    return this.attribute('Domain', value)
  }

  /** How long it lives; 0 or less ends it. Without it, until the browser closes. */
  maxAge(seconds: i64): SetCookie {
    return this.attribute('Max-Age', seconds.toString())
  }

  /** When it ends, in milliseconds since 1970. */
  expires(ms: i64): SetCookie {
    return this.attribute('Expires', dates.http(ms))
  }

  /** Sent over TLS only. */
  secure(): SetCookie {
    this.text += '; Secure'
    return this
  }

  /** Hidden from scripts. */
  httpOnly(): SetCookie {
    this.text += '; HttpOnly'
    return this
  }

  /** "Strict", "Lax" or "None". */
  sameSite(value: string): SetCookie {
    if (value != 'Strict' && value != 'Lax' && value != 'None') {
      throw new Error(`SameSite is Strict, Lax or None, not "${value}"`)
    }
    return this.attribute('SameSite', value)
  }

  /** The value of a `set-cookie` header. */
  toString(): string {
    return this.text
  }

  private attribute(name: string, value: string): SetCookie {
    for (let i = 0; i < value.length; i++) {
      const character = value.charCodeAt(i)
      if (character < 0x20 || character > 0x7e || character == 0x3b) {
        throw new Error(`${name} cannot hold "${value}"`)
      }
    }
    this.text += `; ${name}=${value}`
    return this
  }
}

/** A token (RFC 9110, section 5.6.2). */
function isName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const character = <u32>text.charCodeAt(i)
    const isWord = character - 0x30 < 10 || (character | 0x20) - 0x61 < 26
    if (!isWord && !"!#$%&'*+-.^_`|~".includes(text.charAt(i))) return false
  }
  return text.length > 0
}

/** cookie-octets: visible ASCII but for quotes, comma, semicolon and backslash. */
function isValue(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character < 0x21 || character > 0x7e) return false
    if (character == 0x22 || character == 0x2c || character == 0x3b || character == 0x5c)
      return false
  }
  return true
}
