import { styleText } from 'node:util'

export interface Column<R> {
  readonly title: string
  readonly align?: 'left' | 'right'
  value(row: R): string
}

/** Rows under their titles, as wide as they have to be. */
export function formatTable<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)))
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => (line[i] as string).length)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => {
        const width = widths[i] as number
        return columns[i]?.align === 'right' ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [
    line(columns.map(({ title }) => title)),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...cells.map(line),
  ]
    .map((text, i) => `${i === 0 && hasColor() ? styleText('bold', text) : text}\n`)
    .join('')
}

function hasColor(): boolean {
  return process.stdout.isTTY === true && !process.env['NO_COLOR']
}
