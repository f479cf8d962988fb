import { isJsonObject, type JsonObject } from '../config/json.ts'
import type { PluginDescription } from '../wasm/module/description.ts'
import { parameterProblems } from '../wasm/parameters.ts'
import type { CheckContext } from './object.ts'

/** What a module says of itself, as far as a configuration leans on it. */
export type ModuleFacts = Pick<PluginDescription, 'results' | 'parameters' | 'isDeclared'>

/**
 * The modules that filters of a pipeline name, by the filter, where they can be read: a module that is not there
 * yet, or comes from elsewhere, is looked at when it is opened. Parameters that a module does not take are reported.
 */
export function checkModules(
  data: JsonObject,
  context: CheckContext,
): ReadonlyMap<string, ModuleFacts> {
  const found = new Map<string, ModuleFacts>()
  const { moduleOf } = context
  if (moduleOf === undefined || !Array.isArray(data['filters'])) return found
  for (const [index, filter] of data['filters'].entries()) {
    if (!isJsonObject(filter) || typeof filter['name'] !== 'string') continue
    const field = context.filterKinds.find(({ kind }) => kind === filter['kind'])?.codeField
    const code = field === undefined ? undefined : filter[field]
    const module = typeof code === 'string' ? moduleOf(code) : null
    if (field === undefined || module === null) continue
    found.set(filter['name'], module)
    const given = isJsonObject(filter['parameters']) ? filter['parameters'] : {}
    const texts = Object.fromEntries(Object.entries(given).map(([key, one]) => [key, String(one)]))
    for (const { key, isMissing, message } of parameterProblems(module, texts)) {
      const path = isMissing ? ['filters', index, field] : ['filters', index, 'parameters', key]
      context.report({ path, message })
    }
  }
  return found
}
