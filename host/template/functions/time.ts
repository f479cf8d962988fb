import { runError } from '../template-error.ts'
import { GoObject, type Method, NO_FIELD, type Value } from '../value.ts'
import { mismatch, textOf } from './define.ts'
import { formatTime, parseTime, zoneOffset } from './time-layout.ts'

const RFC_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST'
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** Go's time.Time: milliseconds since 1970 and the zone it is shown in. */
export class GoTime extends GoObject {
  readonly typeName = 'time.Time'
  readonly ms: number
  readonly zone: string

  constructor(ms: number, zone: string) {
    super()
    this.ms = ms
    this.zone = zone
  }

  override method(name: string): Method | undefined {
    switch (name) {
      case 'Format':
        return ([layout]) => formatTime(this.ms, this.zone, textOf(layout))
      case 'Unix':
        return () => BigInt(Math.floor(this.ms / 1000))
      case 'UnixMilli':
        return () => BigInt(Math.floor(this.ms))
      case 'UnixMicro':
        return () => BigInt(Math.floor(this.ms)) * 1000n
      case 'UnixNano':
        return () => BigInt(Math.floor(this.ms)) * 1_000_000n
      case 'UTC':
        return () => new GoTime(this.ms, 'UTC')
      case 'Local':
        return () => new GoTime(this.ms, localZone())
      case 'Before':
        return ([other]) => this.ms < timeOf(other).ms
      case 'After':
        return ([other]) => this.ms > timeOf(other).ms
      case 'Equal':
        return ([other]) => this.ms === timeOf(other).ms
      case 'IsZero':
        return () => this.ms === ZERO_TIME_MS
      default:
        return this.#part(name)
    }
  }

  override field(): typeof NO_FIELD {
    return NO_FIELD
  }

  override toString(): string {
    return formatTime(this.ms, this.zone, RFC_LAYOUT)
  }

  #part(name: string): Method | undefined {
    const local = new Date(this.ms + zoneOffset(this.ms, this.zone) * 1000)
    switch (name) {
      case 'Year':
        return () => BigInt(local.getUTCFullYear())
      case 'Month':
        return () => MONTHS[local.getUTCMonth()] ?? ''
      case 'Day':
        return () => BigInt(local.getUTCDate())
      case 'Hour':
        return () => BigInt(local.getUTCHours())
      case 'Minute':
        return () => BigInt(local.getUTCMinutes())
      case 'Second':
        return () => BigInt(local.getUTCSeconds())
      case 'Weekday':
        return () => formatTime(this.ms, this.zone, 'Monday')
      default:
        return undefined
    }
  }
}

/** Go's zero time: the first of January of the year 1. */
const ZERO_TIME_MS = -62_135_596_800_000

export function timeOf(value: Value): GoTime {
  if (value instanceof GoTime) return value
  throw mismatch('a time', value)
}

/** The zone of this process. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The zone, or UTC when nobody knows it, as sprig does. */
export function knownZone(name: string): string {
  if (name === 'Local' || name === '') return name === '' ? 'UTC' : localZone()
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch (error) {
    if (error instanceof RangeError) return 'UTC'
    throw error
  }
}

/** A text read by a layout; the zero time when it does not fit, unless that must be an error. */
export function readTime(layout: string, text: string, isStrict: boolean): GoTime {
  const zone = localZone()
  const ms = parseTime(layout, text, zone)
  if (ms !== undefined) return new GoTime(ms, zone)
  if (isStrict) throw runError(`"${text}" does not fit the layout "${layout}"`)
  return new GoTime(ZERO_TIME_MS, 'UTC')
}
