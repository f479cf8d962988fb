import { existsSync } from 'node:fs'
import type { StoredNames } from '../objects/object.ts'
import { PluginCatalog } from '../wasm/plugin-catalog.ts'
import { parsePluginId } from '../wasm/plugin-reference.ts'
import { PluginStore } from '../wasm/plugin-store.ts'

/** The versions of every stored plugin, by name. */
export async function namesOf(catalog: PluginCatalog): Promise<Map<string, readonly string[]>> {
  const stored = await catalog.list()
  return new Map(stored.map(([name, { versions }]) => [name, versions.map((one) => one.version)]))
}

/** What a data directory has stored; null when it is none, or no plugin has ever been stored there. */
export async function storedNamesIn(dataDir: string): Promise<StoredNames | null> {
  const { catalogFile } = new PluginStore(dataDir)
  return existsSync(catalogFile) ? await namesOf(new PluginCatalog(catalogFile)) : null
}

/**
 * What is stored and what `references` name. What runs has been taken already: a change of something else
 * is not refused because a plugin is missing that was missing before.
 */
export async function namesWith(
  catalog: PluginCatalog,
  references: Iterable<string>,
): Promise<StoredNames> {
  const names = await namesOf(catalog)
  for (const text of references) {
    const id = parsePluginId(text)
    if (id === undefined) continue
    const versions = names.get(id.name) ?? []
    names.set(id.name, id.version === null ? versions : [...versions, id.version])
  }
  return names
}
