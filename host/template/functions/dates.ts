import { parseDuration } from '../../config/schema.ts'
import { runError } from '../template-error.ts'
import type { Value } from '../value.ts'
import { toInt } from './convert.ts'
import { fn, type TemplateFunction } from './define.ts'
import { GoTime, knownZone, localZone, readTime, timeOf } from './time.ts'
import { formatTime } from './time-layout.ts'

const inZone = fn(['text', 'any', 'text'], (layout, value, zone) =>
  formatTime(anyTime(value).ms, knownZone(zone), layout),
)
const modify = (isStrict: boolean): TemplateFunction =>
  fn(['text', 'any'], (text, value) => {
    const time = timeOf(value)
    const ms = parseDuration(text.replace(/^[+-]/, ''))
    if (ms === undefined) {
      if (isStrict) throw runError(`"${text}" is not a duration`)
      return time
    }
    return new GoTime(time.ms + (text.startsWith('-') ? -ms : ms), time.zone)
  })

/** sprig's functions for dates. A number is seconds since 1970. */
export const DATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  now: fn([], () => new GoTime(Date.now(), localZone())),
  date: fn(['text', 'any'], (layout, value) => formatTime(anyTime(value).ms, localZone(), layout)),
  dateInZone: inZone,
  date_in_zone: inZone,
  htmlDate: fn(['any'], (value) => formatTime(anyTime(value).ms, localZone(), '2006-01-02')),
  htmlDateInZone: fn(['any', 'text'], (value, zone) =>
    formatTime(anyTime(value).ms, knownZone(zone), '2006-01-02'),
  ),
  dateModify: modify(false),
  date_modify: modify(false),
  mustDateModify: modify(true),
  must_date_modify: modify(true),
  toDate: fn(['text', 'text'], (layout, text) => readTime(layout, text, false)),
  mustToDate: fn(['text', 'text'], (layout, text) => readTime(layout, text, true)),
  unixEpoch: fn(['any'], (value) => String(Math.floor(timeOf(value).ms / 1000))),
  ago: fn(['any'], (value) => {
    return formatSeconds(Math.round((Date.now() - anyTime(value).ms) / 1000))
  }),
  duration: fn(['any'], (value) => formatSeconds(Number(toInt(value)))),
  durationRound: fn(['any'], (value) => roundedDuration(durationMs(value))),
}

/** sprig takes what is no time and no number for now. */
function anyTime(value: Value): GoTime {
  if (value instanceof GoTime) return value
  const ms = typeof value === 'bigint' ? Number(value) * 1000 : Date.now()
  return new GoTime(ms, localZone())
}

/** `1h2m3s`, as Go prints whole seconds. */
function formatSeconds(seconds: number): string {
  const sign = seconds < 0 ? '-' : ''
  const size = Math.abs(seconds)
  const hours = Math.floor(size / 3600)
  const minutes = Math.floor(size / 60) % 60
  if (size < 60) return `${sign}${size}s`
  return hours === 0
    ? `${sign}${minutes}m${size % 60}s`
    : `${sign}${hours}h${minutes}m${size % 60}s`
}

function durationMs(value: Value): number {
  if (value instanceof GoTime) return Date.now() - value.ms
  // A number counts nanoseconds, as Go's Duration does.
  if (typeof value === 'bigint') return Number(value) / 1e6
  return typeof value === 'string' ? (parseDuration(value.replace(/^[+-]/, '')) ?? 0) : 0
}

function roundedDuration(ms: number): string {
  const size = Math.abs(ms)
  for (const [unit, length] of UNITS) {
    if (size > length) return `${Math.floor(size / length)}${unit}`
  }
  return '0s'
}

const DAY_MS = 86_400_000
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', DAY_MS * 365],
  ['mo', DAY_MS * 30],
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]
