import { lengthOf, unit } from './text.ts'

/*
 * Dates as HTTP writes them (RFC 9110, section 5.6.7) and as ISO 8601 does, always in UTC; moments are
 * milliseconds since 1970, as `now()` gives them. Years 0 to 9999.
 */

/** What `parseHttp` answers for a text that is no date. */
export const INVALID: i64 = i64.MIN_VALUE

const DAYS = 'SunMonTueWedThuFriSat'
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const MS_PER_DAY: i64 = 86_400_000

/**
 * `Sun, 06 Nov 1994 08:49:37 GMT`.
 *
 *     response.headers.set('expires', dates.http(now() + 60_000))
 */
export function http(ms: i64): string {
  const days = floorDivide(ms, MS_PER_DAY)
  const date = fromDays(days)
  const weekday = <i32>(floorRest(days + 4, 7) * 3)
  const month = (date.month - 1) * 3
  const name = DAYS.slice(weekday, weekday + 3)
  const shortMonth = MONTHS.slice(month, month + 3)
  return `${name}, ${two(date.day)} ${shortMonth} ${four(date.year)} ${clock(ms)} GMT`
}

/**
 * `1994-11-06T08:49:37.000Z`.
 *
 *     log.info(`until ${dates.iso(until)}`)
 */
export function iso(ms: i64): string {
  const date = fromDays(floorDivide(ms, MS_PER_DAY))
  const rest = <i32>floorRest(ms, 1000)
  const day = `${four(date.year)}-${two(date.month)}-${two(date.day)}`
  return `${day}T${clock(ms)}.${rest.toString().padStart(3, '0')}Z`
}

/**
 * The moment a date of HTTP stands for, in the form of today or one of the two older ones; `INVALID` for
 * anything else. A year of two digits is one of 1970 to 2069.
 *
 *     const since = request.headers.get('if-modified-since')
 *     const changed = since === null ? dates.INVALID : dates.parseHttp(since)
 */
export function parseHttp<T>(text: T): i64 {
  const reader = new DateReader(ascii<T>(text))
  return reader.read()
}

/** A day of the calendar. */
@final
class Day {
  year: i32
  month: i32
  day: i32

  constructor(year: i32, month: i32, day: i32) {
    this.year = year
    this.month = month
    this.day = day
  }
}

/** The calendar day of a number of days since 1970: years are counted from March, so that leap days end them. */
function fromDays(days: i64): Day {
  const shifted = days + 719_468
  const era = floorDivide(shifted, 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
  const ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  const shiftedMonth = (5 * ofYear + 2) / 153
  const day = <i32>(ofYear - (153 * shiftedMonth + 2) / 5) + 1
  const month = <i32>(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
  return new Day(<i32>(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, day)
}

function toDays(year: i32, month: i32, day: i32): i64 {
  const shiftedYear = <i64>(month <= 2 ? year - 1 : year)
  const era = floorDivide(shiftedYear, 400)
  const yearOfEra = shiftedYear - era * 400
  const ofYear = (153 * <i64>(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  const ofEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear
  return era * 146_097 + ofEra - 719_468
}

/** Reads one of:  `Sun, 06 Nov 1994 08:49:37 GMT`   `Sunday, 06-Nov-94 08:49:37 GMT`   `Sun Nov  6 08:49:37 1994` */
@final
class DateReader {
  private text: string
  private at: i32 = 0
  private isWrong: bool = false

  constructor(text: string) {
    this.text = text
  }

  read(): i64 {
    const comma = this.text.indexOf(',')
    if (comma < 0) return this.readAsctime()
    if (!isDayName(this.text.slice(0, comma), comma > 3)) return INVALID
    this.at = comma + 1
    this.sign(' ')
    const day = this.digits(2)
    const separator = comma == 3 ? ' ' : '-'
    this.sign(separator)
    const month = this.month()
    this.sign(separator)
    const year = comma == 3 ? this.digits(4) : this.shortYear()
    this.sign(' ')
    const time = this.time()
    this.sign(' GMT')
    return this.moment(year, month, day, time)
  }

  private readAsctime(): i64 {
    if (!isDayName(this.text.slice(0, 3), false)) return INVALID
    this.at = 3
    this.sign(' ')
    const month = this.month()
    this.sign(' ')
    const isPadded = this.at < this.text.length && this.text.charCodeAt(this.at) == 0x20
    if (isPadded) this.at++
    const day = this.digits(isPadded ? 1 : 2)
    this.sign(' ')
    const time = this.time()
    this.sign(' ')
    return this.moment(this.digits(4), month, day, time)
  }

  private moment(year: i32, month: i32, day: i32, time: i64): i64 {
    if (this.isWrong || this.at != this.text.length || month == 0) return INVALID
    if (day < 1 || day > daysOf(year, month)) return INVALID
    return toDays(year, month, day) * MS_PER_DAY + time
  }

  /** Milliseconds of the day; a leap second counts as the next minute. */
  private time(): i64 {
    const hours = this.digits(2)
    this.sign(':')
    const minutes = this.digits(2)
    this.sign(':')
    const seconds = this.digits(2)
    if (hours > 23 || minutes > 59 || seconds > 60) this.isWrong = true
    return (<i64>hours * 3600 + minutes * 60 + seconds) * 1000
  }

  private shortYear(): i32 {
    const year = this.digits(2)
    return year < 70 ? 2000 + year : 1900 + year
  }

  /** 1 to 12; 0 when it is none. */
  private month(): i32 {
    const name = this.text.slice(this.at, this.at + 3)
    const at = name.length == 3 ? MONTHS.indexOf(name) : -1
    if (at < 0 || at % 3 != 0) {
      this.isWrong = true
      return 0
    }
    this.at += 3
    return at / 3 + 1
  }

  private digits(count: i32): i32 {
    let value = 0
    for (let i = 0; i < count; i++) {
      const digit = this.at < this.text.length ? <u32>this.text.charCodeAt(this.at) - 0x30 : 10
      if (digit > 9) {
        this.isWrong = true
        return 0
      }
      value = value * 10 + <i32>digit
      this.at++
    }
    return value
  }

  private sign(text: string): void {
    if (this.text.slice(this.at, this.at + text.length) != text) this.isWrong = true
    this.at += text.length
  }
}

function isDayName(text: string, isLong: bool): bool {
  if (isLong) {
    return 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ').includes(text)
  }
  const at = text.length == 3 ? DAYS.indexOf(text) : -1
  return at >= 0 && at % 3 == 0
}

function daysOf(year: i32, month: i32): i32 {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
}

function clock(ms: i64): string {
  const seconds = <i32>(floorRest(ms, MS_PER_DAY) / 1000)
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
}

function two(value: i32): string {
  return value.toString().padStart(2, '0')
}

function four(value: i32): string {
  return value.toString().padStart(4, '0')
}

/** Division towards minus infinity: moments before 1970 are negative. */
function floorDivide(value: i64, by: i64): i64 {
  const result = value / by
  return value % by < 0 ? result - 1 : result
}

function floorRest(value: i64, by: i64): i64 {
  const rest = value % by
  return rest < 0 ? rest + by : rest
}

/** As a string; no date is longer than 40 characters. */
function ascii<T>(text: T): string {
  const length = lengthOf<T>(text)
  let found = ''
  if (length > 40) return found
  for (let i = 0; i < length; i++) found += String.fromCharCode(unit<T>(text, i))
  return found
}
