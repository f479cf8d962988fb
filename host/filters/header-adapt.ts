import type { Headers } from '../exchange/headers.ts'
import { isClaim, takeOverClaims } from '../http/forward.ts'

export interface HeaderAdaptSpec {
  readonly del: readonly string[]
  readonly set: Readonly<Record<string, string>>
  readonly add: Readonly<Record<string, string>>
}

/** Changes headers as an adaptor says: removed, then set, then added. */
export type HeaderAdapt = (headers: Headers) => void

/** Null when there is nothing to do, so that a request pays nothing for it. */
export function compileHeaderAdapt(spec: HeaderAdaptSpec | undefined): HeaderAdapt | null {
  if (spec === undefined) return null
  const set = Object.entries(spec.set)
  const add = Object.entries(spec.add)
  if (spec.del.length + set.length + add.length === 0) return null
  const writesClaims = [...set, ...add].some(([name]) => isClaim(name))
  return (headers) => {
    if (writesClaims) takeOverClaims(headers)
    for (const name of spec.del) headers.remove(name)
    for (const [name, value] of set) headers.set(name, value)
    for (const [name, value] of add) headers.add(name, value)
  }
}
