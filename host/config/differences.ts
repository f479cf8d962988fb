import { isJsonObject, type JsonPath } from './json.ts'

/**
 * Where two JSON values differ, in the order of the first and then of the second: the place of a value that
 * only one of them has, or that is another one. The order of the keys of an object makes no difference.
 */
export function differences(a: unknown, b: unknown, at: JsonPath = []): JsonPath[] {
  if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.max(a.length, b.length)
    return Array.from({ length }, (_, i) => differences(a[i], b[i], [...at, i])).flat()
  }
  if (isJsonObject(a) && isJsonObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)])
    return [...keys].flatMap((key) => differences(a[key], b[key], [...at, key]))
  }
  return a === b ? [] : [at]
}
