/**
 * The open blocks of the function that is walked, one entry for each; entry 0 is the function.
 * Arrays side by side: a large module opens millions of blocks.
 */
export class BlockStack {
  /** The opcode that opened it. */
  readonly kinds: number[] = []
  /** The point that was current when the block started. */
  readonly points: number[] = []
  /** The outermost block that a branch from inside leads to. */
  readonly escapes: number[] = []
  /** No path leads to its start. */
  readonly wereDead: boolean[] = []

  push(kind: number, point: number, isDead: boolean): void {
    this.kinds.push(kind)
    this.points.push(point)
    this.escapes.push(this.kinds.length)
    this.wereDead.push(isDead)
  }

  pop(): void {
    this.kinds.pop()
    this.points.pop()
    this.escapes.pop()
    this.wereDead.pop()
  }
}
