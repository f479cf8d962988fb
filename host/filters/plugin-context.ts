import type { Exchange } from '../exchange/exchange.ts'
import type { OpenPlugin } from '../wasm/open-plugin.ts'

/** A key a plugin did not declare as shared is its own: the plugin's name stands before it. */
function privateKey(plugin: OpenPlugin, key: string): string {
  return `${plugin.name}\n${key}`
}

/** Keeps a value of the exchange for this plugin, or for all that declare its key as shared. */
export function putContext(
  exchange: Exchange,
  plugin: OpenPlugin,
  key: string,
  value: Uint8Array,
): void {
  exchange.data ??= new Map()
  const isShared = plugin.description.shared.includes(key)
  exchange.data.set(isShared ? key : privateKey(plugin, key), Buffer.from(value))
}

/** What this plugin may see of the data of an exchange; null for nothing. */
export function dataOf(
  { data }: Exchange,
  plugin: OpenPlugin,
): ReadonlyMap<string, Uint8Array> | null {
  return data === null ? null : contextOf(data, plugin)
}

function contextOf(
  data: ReadonlyMap<string, Uint8Array>,
  plugin: OpenPlugin,
): ReadonlyMap<string, Uint8Array> | null {
  const own = `${plugin.name}\n`
  let visible: Map<string, Uint8Array> | null = null
  for (const [key, value] of data) {
    const isOwn = key.startsWith(own)
    if (!isOwn && !plugin.description.shared.includes(key)) continue
    visible ??= new Map()
    visible.set(isOwn ? key.slice(own.length) : key, value)
  }
  return visible
}
