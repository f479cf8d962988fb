import {
  fold97,
  isDigit,
  isDomain,
  isInPhone,
  isLetter,
  isLocal,
  isWord,
  luhn,
} from './characters.ts'

/*
 * What personal data looks like. Each function answers where a piece of its kind that starts at `at` ends,
 * or -1. What stands directly behind or before letters and digits is a part of a longer word, and none.
 * Each looks at a bounded number of characters: time grows with the length of the text alone.
 */

/** A longer one is no token that the SDK reads either. */
const MAX_JWT: i32 = 16 * 1024

/** Longest local part and domain (RFC 5321). */
const MAX_EMAIL: i32 = 320

/** The digits that are looked at: one array for all, because making one costs more than looking. */
const digits = new StaticArray<i32>(19)

/** `ada@shop.example`: starts at its first character. */
export function emailEnd(text: string, at: i32): i32 {
  if (!isLocal(text.charCodeAt(at)) || (at > 0 && isLocal(text.charCodeAt(at - 1)))) return -1
  let end = at
  const last = min(text.length, at + MAX_EMAIL)
  while (end < last && isLocal(text.charCodeAt(end))) end++
  if (end >= last || text.charCodeAt(end) != 0x40) return -1
  const domain = ++end
  let dot = -1
  while (end < last && isDomain(text.charCodeAt(end))) {
    if (text.charCodeAt(end) == 0x2e && end > domain) dot = end
    end++
  }
  // A full stop behind an address ends a sentence.
  while (end > domain && (text.charCodeAt(end - 1) == 0x2e || text.charCodeAt(end - 1) == 0x2d)) {
    end--
    if (dot >= end) dot = text.lastIndexOf('.', end - 1)
  }
  return dot > domain && end - dot > 2 ? end : -1
}

/**
 * 15 to 19 digits, with single spaces or hyphens between groups, whose first digit is that of a network
 * and whose check digit is right; 14 that start with 3, and 13 that start with 4. A moment in milliseconds
 * has 13 digits and starts with 1.
 */
export function cardEnd(text: string, at: i32): i32 {
  if (!startsDigits(text, at) || !isNetwork(text.charCodeAt(at) - 0x30)) return -1
  let count = 0
  let found = -1
  let i = at
  while (i < text.length && count < 19) {
    const character = text.charCodeAt(i)
    if (isDigit(character)) {
      unchecked((digits[count++] = character - 0x30))
      i++
      const isEnd = i >= text.length || !isWord(text.charCodeAt(i))
      if (isEnd && isCardLength(unchecked(digits[0]), count) && luhn(digits, count)) found = i
    } else if (isSeparator(character) && i + 1 < text.length && isDigit(text.charCodeAt(i + 1))) {
      i++
    } else {
      break
    }
  }
  return found
}

/** An international bank account number whose check digits are right, with or without spaces. */
export function ibanEnd(text: string, at: i32): i32 {
  if (at + 15 > text.length || (at > 0 && isWord(text.charCodeAt(at - 1)))) return -1
  if (!isLetter(text.charCodeAt(at)) || !isLetter(text.charCodeAt(at + 1))) return -1
  if (!isDigit(text.charCodeAt(at + 2)) || !isDigit(text.charCodeAt(at + 3))) return -1
  let count = 0
  let rest = 0
  let found = -1
  let i = at
  while (i < text.length && count < 34) {
    const character = text.charCodeAt(i)
    if (isWord(character)) {
      count++
      // The first four count last.
      if (count > 4) rest = fold97(rest, character)
      i++
      const isEnd = i >= text.length || !isWord(text.charCodeAt(i))
      if (isEnd && count >= 15 && withFirst(text, at, rest) == 1) found = i
    } else if (character == 0x20 && i + 1 < text.length && isWord(text.charCodeAt(i + 1))) {
      i++
    } else {
      break
    }
  }
  return found
}

function withFirst(text: string, at: i32, rest: i32): i32 {
  for (let i = at; i < at + 4; i++) rest = fold97(rest, text.charCodeAt(i))
  return rest
}

/** `+49 30 901820`: a plus, then 8 to 15 digits with spaces, dots, hyphens, slashes or brackets. */
export function phoneEnd(text: string, at: i32): i32 {
  if (text.charCodeAt(at) != 0x2b || (at > 0 && isWord(text.charCodeAt(at - 1)))) return -1
  let count = 0
  let end = -1
  let gap = 0
  for (let i = at + 1; i < text.length && gap < 3; i++) {
    const character = text.charCodeAt(i)
    if (isDigit(character)) {
      count++
      gap = 0
      end = i + 1
    } else if (isInPhone(character)) {
      gap++
    } else {
      break
    }
    if (count > 15) return -1
  }
  return count >= 8 ? end : -1
}

/** `203.0.113.7`. */
export function ipv4End(text: string, at: i32): i32 {
  if (!startsDigits(text, at) || (at > 0 && text.charCodeAt(at - 1) == 0x2e)) return -1
  let i = at
  for (let part = 0; part < 4; part++) {
    if (part > 0) {
      if (i >= text.length || text.charCodeAt(i) != 0x2e) return -1
      i++
    }
    let value = 0
    let digits = 0
    while (i < text.length && isDigit(text.charCodeAt(i)) && digits < 4) {
      value = value * 10 + text.charCodeAt(i) - 0x30
      digits++
      i++
    }
    if (digits == 0 || digits > 3 || value > 255) return -1
  }
  if (i < text.length && isWord(text.charCodeAt(i))) return -1
  // A fifth part makes it the number of a version.
  const isLonger =
    i + 1 < text.length && text.charCodeAt(i) == 0x2e && isDigit(text.charCodeAt(i + 1))
  return isLonger ? -1 : i
}

/** A JSON Web Token: whoever has it is somebody else. */
export function jwtEnd(text: string, at: i32): i32 {
  // `{"` in Base64.
  if (!text.startsWith('eyJ', at) || (at > 0 && isWord(text.charCodeAt(at - 1)))) return -1
  let dots = 0
  let i = at
  const last = min(text.length, at + MAX_JWT)
  for (; i < last; i++) {
    const character = text.charCodeAt(i)
    if (character == 0x2e) {
      if (++dots > 2) break
    } else if (!isWord(character) && character != 0x2d && character != 0x5f) {
      break
    }
  }
  return dots >= 2 ? i : -1
}

function isNetwork(first: i32): bool {
  return first >= 2 && first <= 6
}

function isCardLength(first: i32, count: i32): bool {
  return count >= 15 || (count == 14 && first == 3) || (count == 13 && first == 4)
}

function startsDigits(text: string, at: i32): bool {
  return isDigit(text.charCodeAt(at)) && (at == 0 || !isWord(text.charCodeAt(at - 1)))
}

function isSeparator(character: i32): bool {
  return character == 0x20 || character == 0x2d
}
