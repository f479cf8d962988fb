const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const LONG_MONTHS = [
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
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const LONG_DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** The parts of Go's reference time, Mon Jan 2 15:04:05 MST 2006; the longer of two comes first. */
const ELEMENT =
  /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z07:00|Z0700|Z07|-07:00:00|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|__2|002|_2006|_2|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5/g

/** A time by a layout of Go. */
export function formatTime(ms: number, zone: string, layout: string): string {
  const offset = zoneOffset(ms, zone)
  const local = new Date(ms + offset * 1000)
  return layout.replace(ELEMENT, (element) => formatElement(element, local, offset, ms, zone))
}

/** Milliseconds since 1970 of a text written by a layout of Go; undefined when it does not fit. */
export function parseTime(layout: string, text: string, zone: string): number | undefined {
  const parts = { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0, fraction: 0 }
  let offset: number | null = null
  let isAfternoon: boolean | null = null
  let rest = text
  let from = 0
  const literal = (part: string): boolean => {
    if (!rest.startsWith(part)) return false
    rest = rest.slice(part.length)
    return true
  }
  for (const match of layout.matchAll(ELEMENT)) {
    if (!literal(layout.slice(from, match.index))) return undefined
    from = match.index + match[0].length
    const found = ELEMENT_PATTERNS[elementKind(match[0])]?.exec(rest)
    if (found === null || found === undefined) return undefined
    rest = rest.slice(found[0].length)
    const value = found[0].trim()
    switch (elementKind(match[0])) {
      case 'year':
        parts.year = Number(value)
        break
      case 'shortYear':
        parts.year = Number(value) + (Number(value) >= 69 ? 1900 : 2000)
        break
      case 'monthName':
        parts.month = MONTHS.indexOf(value.slice(0, 3)) + 1
        break
      case 'month':
        parts.month = Number(value)
        break
      case 'day':
        parts.day = Number(value)
        break
      case 'hour':
      case 'hour12':
        parts.hour = Number(value)
        break
      case 'minute':
        parts.minute = Number(value)
        break
      case 'second':
        parts.second = Number(value)
        break
      case 'fraction':
        parts.fraction = Number(`0${value.replace(',', '.')}`)
        break
      case 'half':
        isAfternoon = value.toLowerCase() === 'pm'
        break
      case 'offset':
        offset = readOffset(value)
        break
      case 'zone':
        if (value === 'UTC' || value === 'GMT') offset = 0
        break
      case 'weekday':
    }
  }
  if (!literal(layout.slice(from)) || rest !== '') return undefined
  if (isAfternoon !== null) parts.hour = (parts.hour % 12) + (isAfternoon ? 12 : 0)
  if (!isRealTime(parts)) return undefined
  const { year, month, day, hour, minute, second, fraction } = parts
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, Math.floor(fraction * 1000))
  const wall = date.getTime()
  if (offset !== null) return wall - offset * 1000
  return wall - zoneOffset(wall - zoneOffset(wall, zone) * 1000, zone) * 1000
}

/** Seconds east of Greenwich of a zone at a time. */
export function zoneOffset(ms: number, zone: string): number {
  if (zone === 'UTC') return 0
  const name = zonePart(ms, zone, 'longOffset')
  const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name)
  if (match === null || match[1] === undefined) return 0
  const size = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0)
  return match[1] === '-' ? -size : size
}

function zonePart(ms: number, zone: string, style: 'longOffset' | 'short'): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style })
  const part = format.formatToParts(new Date(ms)).find((one) => one.type === 'timeZoneName')
  return part?.value ?? 'GMT'
}

function formatElement(
  element: string,
  local: Date,
  offset: number,
  ms: number,
  zone: string,
): string {
  const hour = local.getUTCHours()
  switch (element) {
    case '2006':
      return String(local.getUTCFullYear()).padStart(4, '0')
    case '_2006':
      return `_${String(local.getUTCFullYear()).padStart(4, '0')}`
    case '06':
      return pad(local.getUTCFullYear() % 100)
    case 'January':
      return LONG_MONTHS[local.getUTCMonth()] ?? ''
    case 'Jan':
      return MONTHS[local.getUTCMonth()] ?? ''
    case '01':
      return pad(local.getUTCMonth() + 1)
    case '1':
      return String(local.getUTCMonth() + 1)
    case 'Monday':
      return LONG_DAYS[local.getUTCDay()] ?? ''
    case 'Mon':
      return DAYS[local.getUTCDay()] ?? ''
    case '02':
      return pad(local.getUTCDate())
    case '_2':
      return String(local.getUTCDate()).padStart(2, ' ')
    case '2':
      return String(local.getUTCDate())
    case '002':
      return String(dayOfYear(local)).padStart(3, '0')
    case '__2':
      return String(dayOfYear(local)).padStart(3, ' ')
    case '15':
      return pad(hour)
    case '03':
      return pad(hour % 12 === 0 ? 12 : hour % 12)
    case '3':
      return String(hour % 12 === 0 ? 12 : hour % 12)
    case '04':
      return pad(local.getUTCMinutes())
    case '4':
      return String(local.getUTCMinutes())
    case '05':
      return pad(local.getUTCSeconds())
    case '5':
      return String(local.getUTCSeconds())
    case 'PM':
      return hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return hour >= 12 ? 'pm' : 'am'
    case 'MST':
      return zone === 'UTC' ? 'UTC' : zonePart(ms, zone, 'short')
    default:
      return /^[.,]/.test(element) ? fractionOf(element, local) : offsetOf(element, offset)
  }
}

function fractionOf(element: string, local: Date): string {
  const digits = `${String(local.getUTCMilliseconds()).padStart(3, '0')}000000`
  const shown = digits.slice(0, element.length - 1).padEnd(element.length - 1, '0')
  if (element[1] === '0') return `${element[0]}${shown}`
  const trimmed = shown.replace(/0+$/, '')
  return trimmed === '' ? '' : `${element[0]}${trimmed}`
}

function offsetOf(element: string, offset: number): string {
  if (element.startsWith('Z') && offset === 0) return 'Z'
  const size = Math.abs(offset)
  const sign = offset < 0 ? '-' : '+'
  const hours = pad(Math.floor(size / 3600))
  const minutes = pad(Math.floor(size / 60) % 60)
  const shape = element.slice(1)
  if (shape === '07') return sign + hours
  if (shape === '0700') return sign + hours + minutes
  return shape === '07:00'
    ? `${sign}${hours}:${minutes}`
    : `${sign}${hours}:${minutes}:${pad(size % 60)}`
}

function readOffset(text: string): number {
  if (text === 'Z') return 0
  const digits = text.slice(1).replaceAll(':', '').padEnd(6, '0')
  const size =
    Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4)) * 60 + Number(digits.slice(4))
  return text.startsWith('-') ? -size : size
}

type ElementKind =
  | 'year'
  | 'shortYear'
  | 'monthName'
  | 'month'
  | 'day'
  | 'hour'
  | 'hour12'
  | 'minute'
  | 'second'
  | 'fraction'
  | 'half'
  | 'offset'
  | 'zone'
  | 'weekday'

function elementKind(element: string): ElementKind {
  if (element === '2006' || element === '_2006') return 'year'
  if (element === '06') return 'shortYear'
  if (element.startsWith('Jan')) return 'monthName'
  if (element === '01' || element === '1') return 'month'
  if (element.startsWith('Mon')) return 'weekday'
  if (element === '15') return 'hour'
  if (element === '03' || element === '3') return 'hour12'
  if (element === '04' || element === '4') return 'minute'
  if (element === '05' || element === '5') return 'second'
  if (element.toLowerCase() === 'pm') return 'half'
  if (element === 'MST') return 'zone'
  if (/^[.,]/.test(element)) return 'fraction'
  return /^[Z-]/.test(element) ? 'offset' : 'day'
}

const ELEMENT_PATTERNS: Readonly<Record<ElementKind, RegExp>> = {
  year: /^\d{4}/,
  shortYear: /^\d{2}/,
  monthName:
    /^(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)/,
  month: /^\d{1,2}/,
  day: /^ ?\d{1,2}/,
  hour: /^\d{1,2}/,
  hour12: /^\d{1,2}/,
  minute: /^\d{1,2}/,
  second: /^\d{1,2}/,
  fraction: /^(?:[.,]\d{1,9})?/,
  half: /^[AaPp][Mm]/,
  offset: /^(?:Z|[+-]\d{2}(?::?\d{2}){0,2})/,
  zone: /^[A-Z]{3,5}/,
  weekday: /^(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?/,
}

function isRealTime(parts: {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
}): boolean {
  const { year, month, day, hour, minute, second } = parts
  const isClock = hour < 24 && minute < 60 && second < 60
  if (!isClock || month < 1 || month > 12 || day < 1) return false
  return day <= new Date(Date.UTC(year < 100 ? year + 400 : year, month, 0)).getUTCDate()
}

function dayOfYear(local: Date): number {
  const start = Date.UTC(local.getUTCFullYear(), 0, 1)
  return Math.floor((local.getTime() - start) / 86_400_000) + 1
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
