import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { parseDuration } from '../config/schema.ts'

/** An object as it is written, references replaced, with the output of its schema. */
export interface WrittenObject {
  readonly kind: string
  readonly name: string
  readonly spec: unknown
  readonly resolved: JsonObject
}

/** What is wrong at a place of an object, while the object by itself is valid. */
export interface CutTimeout {
  /** The name of the object. */
  readonly object: string
  readonly path: JsonPath
  readonly message: string
}

/** Kinds of filters that wait for an upstream, each pool as long as its `timeout` says. */
const WAITING_KINDS: ReadonlySet<unknown> = new Set(['Proxy', 'WebSocketProxy'])

/**
 * Written timeouts of pools that never come to pass: the `requestTimeout` of an HTTPServer that leads to the pool
 * ends the request before.
 */
export function findCutTimeouts(objects: readonly WrittenObject[]): CutTimeout[] {
  const found: CutTimeout[] = []
  const pipelines = new Map<string, WrittenObject>()
  for (const one of objects) if (one.kind === 'Pipeline') pipelines.set(one.name, one)
  for (const server of objects) {
    if (server.kind !== 'HTTPServer') continue
    const limitMs = (server.spec as { readonly requestTimeout?: number }).requestTimeout ?? 0
    if (limitMs === 0) continue
    const seen = new Set<string>()
    const check = (object: string, pool: unknown, path: JsonPath): void => {
      const message = isJsonObject(pool) ? complaint(pool, server.name, limitMs) : null
      if (message !== null) found.push({ object, path: [...path, 'timeout'], message })
    }
    forEachRoute(server.resolved, (route, path) => {
      check(server.name, route['backendPool'], [...path, 'backendPool'])
      const pipeline = pipelines.get(String(route['backend']))
      // One problem of a pool, however many routes lead there.
      if (pipeline === undefined || seen.has(pipeline.name)) return
      seen.add(pipeline.name)
      forEachPool(pipeline.resolved, (pool, poolPath) => check(pipeline.name, pool, poolPath))
    })
  }
  return found
}

function complaint(pool: JsonObject, server: string, limitMs: number): string | null {
  const { timeout } = pool
  if (timeout == null) return null
  const ms = parseDuration(String(timeout))
  if (ms === undefined || (ms > 0 && ms <= limitMs)) return null
  return `a \`timeout\` of ${String(timeout)} never comes to pass: the HTTPServer "${server}" ends requests after its \`requestTimeout\`, ${limitMs / 1000}s`
}

function forEachRoute(
  server: JsonObject,
  visit: (route: JsonObject, path: JsonPath) => void,
): void {
  for (const [rule, ruleIndex] of itemsOf(server['rules'])) {
    for (const [route, index] of itemsOf(rule['paths'])) {
      visit(route, ['rules', ruleIndex, 'paths', index])
    }
  }
}

function forEachPool(
  pipeline: JsonObject,
  visit: (pool: JsonObject, path: JsonPath) => void,
): void {
  for (const [filter, filterIndex] of itemsOf(pipeline['filters'])) {
    if (!WAITING_KINDS.has(filter['kind'])) continue
    for (const [pool, index] of itemsOf(filter['pools'])) {
      visit(pool, ['filters', filterIndex, 'pools', index])
    }
  }
}

function itemsOf(list: unknown): [JsonObject, number][] {
  if (!Array.isArray(list)) return []
  return list.flatMap((item, index) => (isJsonObject(item) ? [[item, index]] : []))
}
