import type { Position } from './issues.ts'

/** Finds line and column of an offset. A line ends with LF or CRLF; columns count characters, not units. */
export class LineTable {
  readonly #file: string
  readonly #text: string
  readonly #starts: number[] = [0]

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1)
    }
  }

  /** The position of an offset; one past the end counts as the end. */
  position(offset: number): Position {
    const at = Math.max(0, Math.min(offset, this.#text.length))
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    const column = characters(this.#text.slice(this.#starts[low] ?? 0, at)) + 1
    return { file: this.#file, line: low + 1, column }
  }
}

/** Code points: an editor's column, except that some count a character beyond U+FFFF as two. */
function characters(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
