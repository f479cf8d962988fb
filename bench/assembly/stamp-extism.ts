import { Host } from '@extism/as-pdk'

/** The plugin compiles with `--use abort=`: Extism has no such import. */
export function stampAbort(
  _message: string | null,
  _fileName: string | null,
  _line: u32,
  _column: u32,
): void {
  unreachable()
}

/** The same filter for Extism: the input is the header block, the output the fields to set. */
export function stamp(): i32 {
  const head = Host.inputString()
  const authorization = fieldOf(head, '\nauthorization: ')
  const agent = fieldOf(head, '\nuser-agent: ')
  const id = fieldOf(head, '\nx-request-id: ')
  const isKnown = authorization !== null && agent !== null && authorization.startsWith('Bearer ')
  Host.outputString(
    'x-filter: ' + (isKnown ? 'known' : 'unknown') + '\nx-trace: ' + (id === null ? 'none' : id),
  )
  return 0
}

function fieldOf(head: string, search: string): string | null {
  const at = head.indexOf(search)
  if (at < 0) return null
  const from = at + search.length
  return head.substring(from, head.indexOf('\n', from))
}
