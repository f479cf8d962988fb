/** One row of a comparison: a line that is on both sides, that became another, or that is on one side only. */
export interface DiffRow {
  readonly kind: 'same' | 'changed' | 'removed' | 'added'
  /** Null when there is none on this side. */
  readonly left: string | null
  readonly right: string | null
}

/** Lines a side may have to be compared line by line; the table of lengths has the product of both. */
const MAX_COMPARED = 1_000

/**
 * Compares two lists of lines by their longest common subsequence. Of lines that were removed and added at
 * one place those with the same key are shown as one that changed; `key` null matches none but in order.
 */
export function diffLines(
  left: readonly string[],
  right: readonly string[],
  key: ((line: string) => string) | null = null,
): DiffRow[] {
  let start = 0
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1
  let [leftEnd, rightEnd] = [left.length, right.length]
  while (leftEnd > start && rightEnd > start && left[leftEnd - 1] === right[rightEnd - 1]) {
    leftEnd -= 1
    rightEnd -= 1
  }
  const rows: DiffRow[] = left.slice(0, start).map(same)
  rows.push(...compareMiddle(left.slice(start, leftEnd), right.slice(start, rightEnd), key))
  rows.push(...left.slice(leftEnd).map(same))
  return rows
}

function compareMiddle(
  left: readonly string[],
  right: readonly string[],
  key: ((line: string) => string) | null,
): DiffRow[] {
  if (left.length > MAX_COMPARED || right.length > MAX_COMPARED) return pair(left, right, key)
  const width = right.length + 1
  // lengths[i * width + j]: how much the rests from i and from j have in common.
  const lengths = new Uint16Array((left.length + 1) * width)
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        left[i] === right[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0)
    }
  }
  const rows: DiffRow[] = []
  let removed: string[] = []
  let added: string[] = []
  const flush = (): void => {
    rows.push(...pair(removed, added, key))
    removed = []
    added = []
  }
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]]
    if (a !== undefined && a === b) {
      flush()
      rows.push(same(a))
      i += 1
      j += 1
    } else if (
      b === undefined ||
      (a !== undefined && (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
    ) {
      removed.push(a ?? '')
      i += 1
    } else {
      added.push(b)
      j += 1
    }
  }
  flush()
  return rows
}

/** Lines that gave way to others at one place. */
function pair(
  removed: readonly string[],
  added: readonly string[],
  key: ((line: string) => string) | null,
): DiffRow[] {
  const rest = [...added]
  const rows: DiffRow[] = []
  for (const left of removed) {
    const at = key === null ? 0 : rest.findIndex((line) => key(line) === key(left))
    const [right] = at < 0 || rest.length === 0 ? [] : rest.splice(at, 1)
    if (right === undefined) rows.push({ kind: 'removed', left, right: null })
    // Lists that are too long to be compared have equal lines here.
    else rows.push(left === right ? same(left) : { kind: 'changed', left, right })
  }
  rows.push(...rest.map((right): DiffRow => ({ kind: 'added', left: null, right })))
  return rows
}

function same(line: string): DiffRow {
  return { kind: 'same', left: line, right: line }
}

/** What two lines begin and end with alike, in characters, so that what differs can be marked. */
export function commonEnds(left: string, right: string): readonly [number, number] {
  const most = Math.min(left.length, right.length)
  let start = 0
  while (start < most && left[start] === right[start]) start += 1
  let end = 0
  while (end < most - start && left.at(-1 - end) === right.at(-1 - end)) end += 1
  return [start, end]
}
