// Draws what plugins add to a request, from the last result of `npm run bench -- plugins`:
//
//   node bench/chart.ts        writes docs/plugin-overhead.svg
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digits } from './support/report.ts'
import type { Interval } from './support/statistics.ts'

const WIDTH = 720
const LABEL_WIDTH = 170
const VALUE_WIDTH = 150
const ROW_HEIGHT = 30
const TOP = 44
const FOOT = 34

interface PluginResult {
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string }
  readonly date: string
  readonly pairs: number
  readonly samples: { readonly added: Readonly<Record<string, Interval>> }
}

const root = join(import.meta.dirname, '..')
const result = JSON.parse(
  readFileSync(join(root, 'bench/results/plugins.json'), 'utf8'),
) as PluginResult
writeFileSync(join(root, 'docs/plugin-overhead.svg'), chart(result))

/** Bars on a scale of square roots: from one microsecond to hundreds, and the small ones still show. */
function chart({ machine, date, pairs, samples }: PluginResult): string {
  const rows = Object.entries(samples.added)
  const most = Math.max(1, ...rows.map(([, { high }]) => high))
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
  const lengthOf = (us: number): number => Math.sqrt(Math.max(0, us) / most) * room
  const height = TOP + rows.length * ROW_HEIGHT + FOOT
  const bars = rows.map(([name, { estimate, low, high }], index) => {
    const y = TOP + index * ROW_HEIGHT
    const middle = y + 12
    const [from, to] = [LABEL_WIDTH + lengthOf(low), LABEL_WIDTH + lengthOf(high)]
    const kind = name.startsWith('Extism') ? 'other' : 'own'
    return [
      text(LABEL_WIDTH - 10, middle + 4, name, 'end'),
      `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${round(lengthOf(estimate))}" height="24" rx="3"/>`,
      `<path class="range" d="M${round(from)} ${middle}H${round(to)}M${round(from)} ${middle - 5}v10M${round(to)} ${middle - 5}v10"/>`,
      text(round(to) + 8, middle + 4, `${digits(estimate)} us (${digits(low)} to ${digits(high)})`),
    ].join('\n')
  })
  const made = `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ${date.slice(0, 10)}, ${pairs} pairs or more, 90 % intervals; scale of square roots`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="CPU time a filter adds to a request">
<style>
text { font: 13px system-ui, sans-serif; fill: #444 }
.title { font-size: 15px; font-weight: 600 }
.small { font-size: 11px }
.own { fill: #2a7f9e }
.other { fill: #b9bec4 }
.range { stroke: #222; fill: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .range { stroke: #eee } .other { fill: #6b7178 } }
</style>
<text class="title" x="10" y="24">CPU time that one small filter adds to a request</text>
${bars.join('\n')}
<text class="small" x="10" y="${height - 12}">${escaped(made)}</text>
</svg>
`
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
