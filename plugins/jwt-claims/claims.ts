import { Json, refuse, Text } from '@penstock/sdk'

/** A claim and the header that tells the upstream its value. */
@final
export class Mapping {
  claim: string
  header: string

  constructor(claim: string, header: string) {
    this.claim = claim
    this.header = header
  }
}

/** Reads `claim => header`, one a line; what cannot be used refuses the configuration. */
export function parseMappings(text: string): Mapping[] {
  const found = new Array<Mapping>()
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i].trim()
    if (line.length == 0 || line.startsWith('#')) continue
    const arrow = line.indexOf('=>')
    const claim = line.slice(0, max(arrow, 0)).trim()
    const header = line
      .slice(arrow + 2)
      .trim()
      .toLowerCase()
    if (arrow < 0 || claim.length == 0 || !isToken(header)) {
      refuse(`claims: "${line}" is not "claim => header"`)
    } else if (header == 'authorization' || header == 'cookie') {
      // The token itself stands there: writing it would hide it from filters behind this one.
      refuse(`claims: ${header} cannot be the header of a claim`)
    } else {
      found.push(new Mapping(claim, header))
    }
  }
  if (found.length == 0) refuse('claims: there is none')
  return found
}

/** The parts between commas, without spaces and without empty ones. */
export function listOf(text: string): string[] {
  const found = new Array<string>()
  const parts = text.split(',')
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i].trim()
    if (part.length > 0) found.push(part)
  }
  return found
}

/**
 * The value of a claim: the one of exactly that name, such as `https://shop.example/roles`, else the one at
 * that path, such as `realm_access.roles`. Missing when there is neither.
 */
export function claimOf(claims: Json, name: string): Json {
  const whole = claims.get(name)
  if (!whole.isMissing || !name.includes('.')) return whole
  const steps = name.split('.')
  let value = claims
  for (let i = 0; i < steps.length; i++) value = value.get(steps[i])
  return value
}

/**
 * A claim as a header says it: text, numbers and flags as they are, the items of a list with "," between
 * them; null for what has no such form. Characters that no header can hold, and "%" and the "," of an item
 * of a list, are percent-encoded UTF-8: nobody gets a second role by a comma in the name of the first.
 */
export function headerText(value: Json): string | null {
  if (!value.isArray) return scalarText(value, false)
  let joined = ''
  for (let i = 0; i < value.length; i++) {
    const item = scalarText(value.at(i), true)
    if (item === null) return null
    joined += i == 0 ? item : `,${item}`
  }
  return joined
}

function scalarText(value: Json, isItem: bool): string | null {
  if (value.isString) return encoded(value.text(), isItem)
  return value.isNumber || value.isFlag ? value.toString() : null
}

const DIGITS = '0123456789ABCDEF'

function encoded(text: string, isItem: bool): string {
  if (isPlain(text, isItem)) return text
  const bytes = Text.utf8(text)
  let out = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.byteAt(i)
    const isEdge = byte == 0x20 && (i == 0 || i == bytes.length - 1)
    if (isSafe(byte, isItem) && !isEdge) out += String.fromCharCode(byte)
    else out += `%${DIGITS.charAt(byte >> 4)}${DIGITS.charAt(byte & 15)}`
  }
  return out
}

function isPlain(text: string, isItem: bool): bool {
  // A space at an end would be taken away on the way.
  if (text.startsWith(' ') || text.endsWith(' ')) return false
  for (let i = 0; i < text.length; i++) {
    if (!isSafe(text.charCodeAt(i), isItem)) return false
  }
  return true
}

function isSafe(character: i32, isItem: bool): bool {
  if (character == 0x25 || (isItem && character == 0x2c)) return false
  return character >= 0x20 && character <= 0x7e
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~"

function isToken(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    const isLetter = (character | 0x20) >= 0x61 && (character | 0x20) <= 0x7a
    const isDigit = character >= 0x30 && character <= 0x39
    if (!isLetter && !isDigit && !TOKEN_MARKS.includes(text.charAt(i))) return false
  }
  return text.length > 0
}
