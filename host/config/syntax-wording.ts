/** What the YAML parser says of a problem; `pos` are offsets. */
export interface SyntaxProblem {
  readonly code: string
  readonly message: string
  readonly pos: readonly [number, number]
}

/** The parser's message in our words where they help, else its own without capital and full stop. */
export function describeSyntax({ code, message, pos }: SyntaxProblem, text: string): string {
  if (text.startsWith('${', pos[0] - 1)) return 'a reference inside { } or [ ] must be in quotes'
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'tabs are not allowed as indentation: use spaces'
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second ": " in one line: put the value in quotes, or begin a new line'
    case 'NON_STRING_KEY':
      return 'a key must be text'
    case 'TAG_RESOLVE_FAILED':
      return `${message.replace(/^Unresolved tag: /, 'the tag ')} is not supported`
    default:
      return message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, '')
  }
}
