import { lengthOf, unit } from './text.ts'

/** What a step of a pattern stands for. */
enum Step {
  /** One certain byte. */
  Byte,
  /** `?`: any byte but the separator. */
  Any,
  /** `[…]`: one of a set. */
  Set,
  /** `*`: any bytes but the separator. */
  Star,
  /** `**`: any bytes. */
  DoubleStar,
}

/**
 * A small pattern, in the place of a regular expression. Make it once, in a field of the filter:
 *
 *     *        any characters but "/"            **      any characters
 *     ?        one character but "/"             [a-z]   one of these, [!a-z] one of the others
 *     \*       the character itself
 *
 *     private orders: Pattern = new Pattern('/api/v[12]/orders/**')
 *     …
 *     if (this.orders.matches(request.path)) return result('orders')
 *
 * Time grows at most with the length of the text times that of the pattern. A pattern without an end to its
 * `[` refuses the filter when it is made.
 */
@final
export class Pattern {
  private steps: Step[] = []
  /** The byte of a `Byte`; where the set of a `Set` starts. */
  private values: i32[] = []
  /** Sets as pairs of bytes, each "from" and "to", after a count that is negative for the others. */
  private sets: i32[] = []
  private separator: i32

  /** `separator` is what `*` and `?` stop at: one character, or "" for none. Default "/". */
  constructor(pattern: string, separator: string = '/') {
    this.separator = separator.length > 0 ? separator.charCodeAt(0) : -1
    for (let i = 0; i < pattern.length; i++) {
      const character = pattern.charCodeAt(i)
      if (character > 0xff) throw new Error(`"${pattern}": a pattern is latin1`)
      if (character == 0x2a) {
        const isDouble = i + 1 < pattern.length && pattern.charCodeAt(i + 1) == 0x2a
        if (isDouble) i++
        this.add(isDouble ? Step.DoubleStar : Step.Star, 0)
      } else if (character == 0x3f) {
        this.add(Step.Any, 0)
      } else if (character == 0x5b) {
        i = this.addSet(pattern, i)
      } else {
        if (character == 0x5c && i + 1 < pattern.length) i++
        this.add(Step.Byte, pattern.charCodeAt(i))
      }
    }
  }

  /**
   * Does the whole text match? Takes a string or a Text.
   *
   *     const isImage = this.images.matches(request.path)
   */
  matches<T>(text: T): bool {
    const length = lengthOf<T>(text)
    const count = this.steps.length
    let at = 0
    let step = 0
    // Where to go on after a mismatch: the last "*", and behind it the last "**".
    let star = -1
    let starAt = 0
    let double = -1
    let doubleAt = 0
    for (;;) {
      if (step < count) {
        const kind = unchecked(this.steps[step])
        if (kind == Step.DoubleStar) {
          double = ++step
          doubleAt = at
          star = -1
          continue
        }
        if (kind == Step.Star) {
          star = ++step
          starAt = at
          continue
        }
        if (at < length && this.fits(step, kind, <i32>unit<T>(text, at))) {
          at++
          step++
          continue
        }
      } else if (at == length) {
        return true
      }
      // A "*" takes one more character; when it may not, the "**" does.
      if (star >= 0 && starAt < length && <i32>unit<T>(text, starAt) != this.separator) {
        at = ++starAt
        step = star
      } else if (double >= 0 && doubleAt < length) {
        at = ++doubleAt
        step = double
        star = -1
      } else {
        break
      }
    }
    return false
  }

  private fits(step: i32, kind: Step, byte: i32): bool {
    if (kind == Step.Byte) return unchecked(this.values[step]) == byte
    if (byte == this.separator) return false
    return kind == Step.Any || this.isInSet(unchecked(this.values[step]), byte)
  }

  private isInSet(start: i32, byte: i32): bool {
    const size = this.sets[start]
    const end = start + abs(size)
    for (let i = start + 1; i <= end; i += 2) {
      if (byte >= this.sets[i] && byte <= this.sets[i + 1]) return size > 0
    }
    return size < 0
  }

  private add(kind: Step, value: i32): void {
    this.steps.push(kind)
    this.values.push(value)
  }

  /** Reads `[a-z0]` or `[!a-z]` at `open`; returns where its "]" is. */
  private addSet(pattern: string, open: i32): i32 {
    const start = this.sets.length
    this.sets.push(0)
    const isOther = pattern.charCodeAt(open + 1) == 0x21
    let i = open + (isOther ? 2 : 1)
    // A "]" that comes first is one of the set.
    const first = i
    while (i < pattern.length && (pattern.charCodeAt(i) != 0x5d || i == first)) {
      const from = pattern.charCodeAt(i)
      const isRange =
        i + 2 < pattern.length &&
        pattern.charCodeAt(i + 1) == 0x2d &&
        pattern.charCodeAt(i + 2) != 0x5d
      const to = isRange ? pattern.charCodeAt(i + 2) : from
      this.sets.push(from)
      this.sets.push(to)
      i += isRange ? 3 : 1
    }
    if (i >= pattern.length) throw new Error(`"${pattern}": a "[" has no "]"`)
    const size = this.sets.length - start - 1
    this.sets[start] = isOther ? -size : size
    this.add(Step.Set, start)
    return i
  }
}
