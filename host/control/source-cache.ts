import { type ParsedText, parseDocuments } from '../config/document.ts'
import type { SourceText } from '../config/source.ts'

/**
 * The documents of the texts that were read last. A text that is the same is not parsed again, and its
 * documents stay the ones that were validated: of a folder of files a change costs what has changed.
 */
export class SourceCache {
  #known = new Map<string, { readonly source: SourceText; readonly parsed: ParsedText }>()

  /** In the order of `sources`. Texts that are not among them are forgotten. */
  parse(sources: readonly SourceText[]): ParsedText[] {
    const former = this.#known
    const next = new Map<string, { readonly source: SourceText; readonly parsed: ParsedText }>()
    const answer = sources.map((source) => {
      const known = former.get(source.file)
      const isSame = known?.source.text === source.text && known.source.baseDir === source.baseDir
      const entry =
        isSame && known !== undefined ? known : { source, parsed: parseDocuments(source) }
      next.set(source.file, entry)
      return entry.parsed
    })
    this.#known = next
    return answer
  }
}
