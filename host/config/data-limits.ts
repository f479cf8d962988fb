import type { JsonObject, JsonPath, JsonValue } from './json.ts'

/** Levels of lists and mappings inside one another. */
export const MAX_DEPTH = 100
/** Values of one document once every alias is replaced by what it stands for. */
export const MAX_VALUES = 500_000

export const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`
export const TOO_MANY_VALUES = `the document holds more than ${MAX_VALUES} values`
/** As a property name it would change what the object inherits instead of adding a field. */
export const PROTOTYPE_KEY = 'the key `__proto__` is not allowed'

/** What keeps data from being a document, if anything: the same limits as for a text. */
export function findRefused(data: JsonObject): { path: JsonPath; message: string } | null {
  // Not recursive: the data may be nested deeper than the stack.
  const waiting: { value: JsonValue; path: JsonPath }[] = [{ value: data, path: [] }]
  let values = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path } = next
    values += 1
    if (values > MAX_VALUES) return { path: [], message: TOO_MANY_VALUES }
    if (typeof value !== 'object' || value === null) continue
    if (path.length >= MAX_DEPTH) return { path: path.slice(0, 3), message: TOO_DEEP }
    if (Object.hasOwn(value, '__proto__')) return { path, message: PROTOTYPE_KEY }
    for (const [key, inside] of Object.entries(value)) {
      waiting.push({ value: inside, path: [...path, Array.isArray(value) ? Number(key) : key] })
    }
  }
  return null
}
