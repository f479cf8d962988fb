/** What a configuration is made of once it is parsed. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject
export type JsonObject = { [key: string]: JsonValue }

/** Where a value stands inside a document: keys of mappings and indexes of lists. */
export type JsonPath = readonly (string | number)[]

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at a path, or undefined. Only own keys count: `constructor` finds nothing. */
export function valueAt(data: unknown, path: JsonPath): unknown {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

/** Replaces the value at a path that exists; does nothing where it does not. */
export function setValueAt(data: JsonObject, path: JsonPath, value: JsonValue): void {
  const last = path.at(-1)
  const owner = valueAt(data, path.slice(0, -1))
  if (last === undefined || typeof owner !== 'object' || owner === null) return
  if (Object.hasOwn(owner, last)) Reflect.set(owner, last, value)
}

/** One string per path, for maps and sets; unlike `formatPath` no two paths share one. */
export function pathKey(path: JsonPath): string {
  return JSON.stringify(path)
}

/** What `formatPath` has written, as a path again; null for other text. */
export function parsePath(text: string): JsonPath | null {
  const step = /\.?([\w$-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y
  const path: (string | number)[] = []
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (found === null) return null
    const [, word, index, quoted] = found
    if (word !== undefined) path.push(word)
    else path.push(index === undefined ? (JSON.parse(quoted ?? '""') as string) : Number(index))
  }
  return path
}

/** `filters[1].limit`; a key that is no plain word stands in brackets: `headers["a.b"]`. */
export function formatPath(path: JsonPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\w$-]+$/.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}
