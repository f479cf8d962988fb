import type { Comparison } from './compare.ts'
import type { Counts, Measurement } from './measure.ts'

/** `1.23 us`, `45.6 us`, `1.23 ms`. */
export function formatUs(us: number): string {
  if (us < 1) return `${(us * 1_000).toFixed(0)} ns`
  if (us < 1_000) return `${significant(us)} us`
  return `${significant(us / 1_000)} ms`
}

/** `812 B`, `4.00 KiB`, `1.50 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} B`
  if (bytes < 1_024 ** 2) return `${significant(bytes / 1_024)} KiB`
  return `${significant(bytes / 1_024 ** 2)} MiB`
}

/** `6`, `6.5`, `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 1 })
}

/** `+3.1 %`. */
export function formatShare(share: number): string {
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A table with a header: what `writeTable` and Markdown are made of. */
export interface ReportTable {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Times per request for each isolation level. */
export function timeTable({ levels }: Measurement): ReportTable {
  return {
    header: ['ISOLATION', 'P50', 'P99', 'REQUESTS'],
    rows: levels.map(({ name, time }) => [
      name,
      formatUs(time.p50Us),
      formatUs(time.p99Us),
      formatCount(time.count),
    ]),
  }
}

/** What does not depend on the machine. */
export function countTable(counts: Counts): ReportTable {
  return { header: ['PER REQUEST', 'EXACT'], rows: countRows(counts).map((row) => [...row]) }
}

export function countRows(counts: Counts): readonly (readonly [string, string])[] {
  return [
    ['host calls', formatCount(counts.hostCalls)],
    ['bytes copied', formatBytes(counts.bytesCopied)],
    ['fuel', formatCount(counts.fuel)],
    ['memory at most', formatBytes(counts.memoryBytes)],
    ['in use after', counts.liveBytes === null ? 'unknown' : formatBytes(counts.liveBytes)],
  ]
}

/** Two modules side by side. */
export function comparisonTable(comparison: Comparison): ReportTable {
  const { baseUs, changedUs, difference, baseCounts, changedCounts } = comparison
  const { mean, low, high } = difference
  const base = countRows(baseCounts)
  const counts = countRows(changedCounts).map(([name, text], index) => {
    const before = base[index]?.[1] ?? ''
    return [name, before, text, before === text ? 'same' : 'differs']
  })
  const interval = `${formatShare(mean)} (${formatShare(low)} to ${formatShare(high)})`
  return {
    header: ['INLINE', 'BASE', 'THIS', 'DIFFERENCE'],
    rows: [['time', formatUs(baseUs), formatUs(changedUs), interval], ...counts],
  }
}

/** The table as Markdown, for a pull request. */
export function markdown({ header, rows }: ReportTable): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const titles = header.map((text) => text.toLowerCase())
  return `${[line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}
