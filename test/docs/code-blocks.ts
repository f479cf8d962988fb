import { readFileSync } from 'node:fs'

/** A block of code of a document. */
export interface CodeBlock {
  /** What stands first behind the fence: ts, sh, text, yaml. */
  readonly language: string
  /** What stands after it: the file the block is saved as. */
  readonly file: string
  readonly text: string
  /** Of the first line of the block, from 1. */
  readonly line: number
}

/** Every block of a document, in order. */
export function codeBlocks(path: URL): CodeBlock[] {
  const document = readFileSync(path, 'utf8')
  return [...document.matchAll(/^```(\w+)[ \t]*([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1] ?? '',
    file: match[2] ?? '',
    text: match[3] ?? '',
    line: document.slice(0, match.index).split('\n').length + 1,
  }))
}
