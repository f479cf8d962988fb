import { printable } from '../config/issues.ts'
import { formatYaml, formatYamlDocuments } from '../config/yaml-text.ts'
import { escapeControls } from '../observe/log-format.ts'
import type { CommandCall } from './command.ts'
import { type PaintColor, paint } from './errors.ts'

/** A cell of a table: its text, and the color it has where colors are wanted. */
export type Cell = string | { readonly text: string; readonly color: PaintColor }

/** Writes rows under a header, each column as wide as its widest cell. */
export function writeTable(
  { io }: Pick<CommandCall, 'io'>,
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
): void {
  const table: Cell[][] = [
    header.map((text) => ({ text, color: 'dim' as const })),
    ...rows.map((row) => [...row]),
  ]
  const widths = header.map((_, column) =>
    Math.max(...table.map((row) => textOf(row[column] ?? '').length)),
  )
  let text = ''
  for (const row of table) {
    const cells = row.map((cell, column) => {
      const shown = textOf(cell)
      const isLast = column === row.length - 1
      const padding = isLast ? '' : ' '.repeat((widths[column] ?? 0) - shown.length + 2)
      const color = typeof cell === 'string' ? null : cell.color
      return (color === null ? shown : paint(io.stdout, io.env, color, shown)) + padding
    })
    text += `${cells.join('').trimEnd()}\n`
  }
  io.stdout.write(text)
}

/** Writes data as `-o json` or `-o yaml` says; false when it is to be written for people. */
export function writeData(
  { io, global }: Pick<CommandCall, 'io' | 'global'>,
  data: unknown,
): boolean {
  if (global.output === 'json') {
    io.stdout.write(`${escapeControls(JSON.stringify(data, null, 2))}\n`)
    return true
  }
  if (global.output !== 'yaml') return false
  const isDocuments = Array.isArray(data) && data.every((one) => typeof one === 'object')
  io.stdout.write(isDocuments ? formatYamlDocuments(data) : formatYaml(data))
  return true
}

/** Names and reasons come from elsewhere: nothing in them may move the cursor. */
function textOf(cell: Cell): string {
  return printable(typeof cell === 'string' ? cell : cell.text)
}
