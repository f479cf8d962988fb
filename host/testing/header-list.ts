import type { Headers } from '../exchange/headers.ts'

/** Header fields as a test writes them: a value, or several for one name. */
export type HeadersInit =
  | Readonly<Record<string, string | readonly string[]>>
  | readonly HeaderPair[]
export type HeaderPair = readonly [name: string, value: string]

/** The header fields of a message as they were when it was looked at, in order. Names have no case. */
export class HeaderList {
  /** Every field, with the name as it was written. */
  readonly entries: readonly HeaderPair[]

  constructor(headers: Headers) {
    const { list } = headers
    const entries: HeaderPair[] = []
    for (let i = 0; i < list.length; i += 2) {
      entries.push([list[i] as string, list[i + 1] as string])
    }
    this.entries = entries
  }

  /** The first value, or null. */
  get(name: string): string | null {
    return this.all(name)[0] ?? null
  }

  /** Every value, in order. */
  all(name: string): string[] {
    const lower = name.toLowerCase()
    return this.entries.flatMap(([one, value]) => (one.toLowerCase() === lower ? [value] : []))
  }

  has(name: string): boolean {
    return this.all(name).length > 0
  }

  /** By lowercase name; several values of one name are joined with ", ". */
  toObject(): Record<string, string> {
    const found: Record<string, string> = {}
    for (const [name, value] of this.entries) {
      const lower = name.toLowerCase()
      const before = Object.hasOwn(found, lower) ? `${found[lower]}, ` : ''
      found[lower] = before + value
    }
    return found
  }
}
