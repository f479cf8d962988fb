import { Pattern, refuse } from '@penstock/sdk'
import { isWord } from './characters.ts'
import { cardEnd, emailEnd, ibanEnd, ipv4End, jwtEnd, phoneEnd } from './kinds.ts'

/** The kinds of data, in the order in which they are looked for at one place. */
const KINDS: string[] = ['jwt', 'email', 'iban', 'card', 'phone', 'ipv4']

/** Finds personal data in text by what it looks like. */
@final
export class Detector {
  private wanted: bool[] = []
  private patterns: Pattern[] = []
  private mask: string
  private isIdle: bool = true

  /**
   * `kinds`: names of `KINDS` with commas between them. `patterns`: one a line, for values as a whole. What
   * cannot be used refuses the configuration.
   */
  constructor(kinds: string, patterns: string, mask: string) {
    this.mask = mask
    for (let i = 0; i < KINDS.length; i++) this.wanted.push(false)
    const names = kinds.split(',')
    for (let i = 0; i < names.length; i++) {
      const name = names[i].trim()
      if (name == '') continue
      const at = KINDS.indexOf(name)
      if (at < 0) refuse(`kinds: "${name}" is none of ${KINDS.join(', ')}`)
      else this.wanted[at] = true
      this.isIdle = false
    }
    const lines = patterns.split('\n')
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i].trim()
      if (line == '' || line.startsWith('#')) continue
      this.patterns.push(new Pattern(line, ''))
      this.isIdle = false
    }
  }

  get canFind(): bool {
    return !this.isIdle
  }

  /** The text with masks for what was found in it; the very same object when nothing was. */
  clean(text: string): string {
    for (let i = 0; i < this.patterns.length; i++) {
      if (this.patterns[i].matches(text)) return this.maskOf('value')
    }
    const parts = new Array<string>()
    let kept = 0
    let at = 0
    while (at < text.length) {
      // Nothing begins in the middle of a word.
      const isInside = at > 0 && isWord(text.charCodeAt(at - 1))
      const kind = isInside ? -1 : this.kindAt(text, at)
      if (kind < 0) {
        at++
        continue
      }
      parts.push(text.slice(kept, at))
      parts.push(this.maskOf(unchecked(KINDS[kind])))
      at = this.end
      kept = at
    }
    if (parts.length == 0) return text
    parts.push(text.slice(kept))
    return parts.join('')
  }

  /** The mask, with the kind in the place of `{kind}`. */
  maskOf(kind: string): string {
    return this.mask.replaceAll('{kind}', kind)
  }

  /** Where the piece ends that `kindAt` found. */
  private end: i32 = 0

  private kindAt(text: string, at: i32): i32 {
    for (let kind = 0; kind < KINDS.length; kind++) {
      if (!unchecked(this.wanted[kind])) continue
      this.end = endOf(kind, text, at)
      if (this.end > at) return kind
    }
    return -1
  }
}

function endOf(kind: i32, text: string, at: i32): i32 {
  switch (kind) {
    case 0:
      return jwtEnd(text, at)
    case 1:
      return emailEnd(text, at)
    case 2:
      return ibanEnd(text, at)
    case 3:
      return cardEnd(text, at)
    case 4:
      return phoneEnd(text, at)
    default:
      return ipv4End(text, at)
  }
}
