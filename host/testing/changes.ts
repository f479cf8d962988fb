import type { HeaderList, HeaderPair } from './header-list.ts'
import type { RequestView, ResponseView } from './message-view.ts'

/**
 * What a filter changed, a line for each change:
 *
 *     method: GET -> POST
 *     path: /a -> /b
 *     query: x=1 -> x=2
 *     status: 200 -> 404
 *     - cookie: a=1                a field that is gone
 *     + x-tenant: acme             a field that was added, or its new value
 *     body: 12 -> 15 bytes
 */
export function requestChanges(before: RequestView, after: RequestView): string[] {
  return [
    ...fieldChange('method', before.method, after.method),
    ...fieldChange('path', before.path, after.path),
    ...fieldChange('query', before.query, after.query),
    ...headerChanges(before.headers, after.headers),
    ...bodyChange(before, after),
  ]
}

/** As `requestChanges`. */
export function responseChanges(before: ResponseView, after: ResponseView): string[] {
  return [
    ...fieldChange('status', String(before.status), String(after.status)),
    ...headerChanges(before.headers, after.headers),
    ...bodyChange(before, after),
  ]
}

function fieldChange(name: string, before: string, after: string): string[] {
  return before === after ? [] : [`${name}: ${before} -> ${after}`]
}

/** Removed fields in their old order, then added ones in their new order. */
function headerChanges(before: HeaderList, after: HeaderList): string[] {
  const removed = without(before.entries, after.entries).map(
    ([name, value]) => `- ${name}: ${value}`,
  )
  const added = without(after.entries, before.entries).map(([name, value]) => `+ ${name}: ${value}`)
  return [...removed, ...added]
}

/** The fields of `list` that `others` does not have; a field that stands twice needs two others. */
function without(list: readonly HeaderPair[], others: readonly HeaderPair[]): HeaderPair[] {
  const left = others.map(([name, value]) => `${name.toLowerCase()}\n${value}`)
  return list.filter(([name, value]) => {
    const at = left.indexOf(`${name.toLowerCase()}\n${value}`)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function bodyChange(before: { bytes(): Uint8Array }, after: { bytes(): Uint8Array }): string[] {
  const [old, now] = [before.bytes(), after.bytes()]
  const isSame = Buffer.compare(old, now) === 0
  return isSame ? [] : [`body: ${old.length} -> ${now.length} bytes`]
}
