import type { JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { parsePluginId } from '../wasm/plugin-reference.ts'
import type { CheckContext } from './object.ts'

/** Names that a message lists; of more it says how many. */
const SHOWN_NAMES = 5

const REMEDY = '"penstock plugin push FILE" stores one'

/** A `name` or `name@version` must be in the store, where that is at hand. */
export function checkStoredPlugin(value: unknown, path: JsonPath, context: CheckContext): void {
  const { storedPlugins } = context
  const id = typeof value === 'string' ? parsePluginId(value) : undefined
  // What has another form is told by the schema.
  if (storedPlugins === null || id === undefined) return
  const { name, version } = id
  const versions = storedPlugins.get(name)
  if (versions === undefined) {
    const names = [...storedPlugins.keys()]
    const message = `there is no plugin "${name}" in the store, ${listed(names, 'nothing')}: ${REMEDY}`
    context.report({ path, message, suggestion: nearestId(name, version, storedPlugins) })
    return
  }
  if (version === null || versions.includes(version)) return
  const near = nearest(version, versions)
  context.report({
    path,
    message: `the plugin "${name}" has no version ${version}, ${listed(versions, 'none')}: ${REMEDY}`,
    suggestion: near === null ? null : `${name}@${near}`,
  })
}

function nearestId(
  name: string,
  version: string | null,
  stored: ReadonlyMap<string, readonly string[]>,
): string | null {
  const near = nearest(name, stored.keys())
  if (near === null || version === null) return near
  return stored.get(near)?.includes(version) === true ? `${near}@${version}` : near
}

function listed(names: readonly string[], nothing: string): string {
  if (names.length === 0) return `which has ${nothing}`
  const more = names.length - SHOWN_NAMES
  return `only ${names.slice(0, SHOWN_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
