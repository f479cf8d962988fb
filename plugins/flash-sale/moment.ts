import { dates, Text } from '@penstock/sdk'

/** What `parseMoment` answers for a text that is no moment. */
export const NO_MOMENT: i64 = i64.MIN_VALUE

/**
 * Milliseconds since 1970 of `2026-11-27T08:00:00Z`, with seconds or without, with `Z` or an offset such as
 * `+01:00`; or of a date as HTTP writes it. `NO_MOMENT` for anything else: a time without its zone is none.
 */
export function parseMoment(text: string): i64 {
  const date = Text.utf8(text.trim())
  if (date.byteAt(10) != 0x54) return dates.parseHttp(date)
  const year = numberAt(date, 0, 4)
  const month = numberAt(date, 5, 2)
  const day = numberAt(date, 8, 2)
  const hour = numberAt(date, 11, 2)
  const minute = numberAt(date, 14, 2)
  if (date.byteAt(4) != 0x2d || date.byteAt(7) != 0x2d || date.byteAt(13) != 0x3a) return NO_MOMENT
  const hasSeconds = date.byteAt(16) == 0x3a
  const second = hasSeconds ? numberAt(date, 17, 2) : 0
  if ((year | month | day | hour | minute | second) < 0) return NO_MOMENT
  if (hour > 23 || minute > 59 || second > 59) return NO_MOMENT
  const offset = offsetOf(date.slice(hasSeconds ? 19 : 16))
  if (offset == NO_MOMENT) return NO_MOMENT
  // Through the SDK, which knows how long months are.
  const midnight = dates.parseHttp(httpDate(year, month, day))
  if (midnight == dates.INVALID) return NO_MOMENT
  return midnight + <i64>((hour * 60 + minute) * 60 + second) * 1000 - offset * 60_000
}

/** Minutes that a zone is ahead of UTC. */
function offsetOf(zone: Text): i64 {
  if (zone.equals('Z')) return 0
  const sign = zone.byteAt(0)
  if (zone.length != 6 || (sign != 0x2b && sign != 0x2d) || zone.byteAt(3) != 0x3a) return NO_MOMENT
  const hours = numberAt(zone, 1, 2)
  const minutes = numberAt(zone, 4, 2)
  if ((hours | minutes) < 0 || hours > 14 || minutes > 59) return NO_MOMENT
  const total = <i64>(hours * 60 + minutes)
  return sign == 0x2d ? -total : total
}

/** The digits at a place, or -1. */
function numberAt(text: Text, at: i32, count: i32): i32 {
  let value = 0
  for (let i = at; i < at + count; i++) {
    const digit = text.byteAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'

function httpDate(year: i32, month: i32, day: i32): string {
  if (month < 1 || month > 12) return ''
  const name = MONTHS.slice((month - 1) * 3, month * 3)
  const date = `${day.toString().padStart(2, '0')} ${name} ${year.toString().padStart(4, '0')}`
  return `${DAYS[weekday(year, month, day)]}, ${date} 00:00:00 GMT`
}

/** 0 for a Sunday, by the rule of Sakamoto. */
function weekday(year: i32, month: i32, day: i32): i32 {
  const shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
  const y = month < 3 ? year - 1 : year
  return (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7
}
