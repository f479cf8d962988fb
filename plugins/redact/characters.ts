export function isDigit(character: i32): bool {
  return character >= 0x30 && character <= 0x39
}

export function isLetter(character: i32): bool {
  const lower = character | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** A letter or a digit. */
export function isWord(character: i32): bool {
  return isDigit(character) || isLetter(character)
}

/** Characters of ASCII that are in this text, each at its place. */
function setOf(members: string): StaticArray<bool> {
  const set = new StaticArray<bool>(128)
  for (let i = 0; i < members.length; i++) set[members.charCodeAt(i)] = true
  return set
}

const LOCAL = setOf("!#$%&'*+-/=?^_`{|}~.")
const IN_PHONES = setOf(' .-/()')

/** Of the part of an address before the "@" (RFC 5321, and RFC 6531 for what is not ASCII). */
export function isLocal(character: i32): bool {
  return isWord(character) || character > 0x7f || unchecked(LOCAL[character])
}

export function isDomain(character: i32): bool {
  return isWord(character) || character > 0x7f || character == 0x2d || character == 0x2e
}

/** What may stand between the digits of a phone number. */
export function isInPhone(character: i32): bool {
  return character < 0x80 && unchecked(IN_PHONES[character])
}

/** Is the last of these digits the check digit of the others (ISO/IEC 7812-1)? */
export function luhn(digits: StaticArray<i32>, count: i32): bool {
  let sum = 0
  for (let i = 0; i < count; i++) {
    let digit = unchecked(digits[count - 1 - i])
    if ((i & 1) == 1) {
      digit *= 2
      if (digit > 9) digit -= 9
    }
    sum += digit
  }
  // Only zeros are a placeholder.
  return sum > 0 && sum % 10 == 0
}

/** One more character of a number whose rest by 97 is taken (ISO 7064): letters count as 10 to 35. */
export function fold97(rest: i32, character: i32): i32 {
  if (isDigit(character)) return (rest * 10 + character - 0x30) % 97
  return (rest * 100 + (character | 0x20) - 0x57) % 97
}
