/** What a WasmHost filter says about where its module is from. */
export interface ModuleReference {
  /** A path, an https URL or base64; null when `plugin` names a stored one. */
  readonly code: string | null
  /** `name` or `name@version`; null when `code` says where the module is. */
  readonly plugin: string | null
  /** What the bytes of `code` must be, 64 hexadecimal digits; null when anything will do. */
  readonly sha256: string | null
}

/** What the name of a plugin may be: as in the description of a module. */
export const PLUGIN_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** What the version of a plugin may be: as in the description of a module. */
export const PLUGIN_VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/

/** `name` or `name@version`. */
export interface PluginId {
  readonly name: string
  /** Null follows the version that is promoted; anything else is a pin. */
  readonly version: string | null
}

/** Undefined when the text has neither form. */
export function parsePluginId(text: string): PluginId | undefined {
  const at = text.indexOf('@')
  const name = at < 0 ? text : text.slice(0, at)
  const version = at < 0 ? null : text.slice(at + 1)
  if (!PLUGIN_NAME.test(name)) return undefined
  return version === null || PLUGIN_VERSION.test(version) ? { name, version } : undefined
}

/**
 * One text for all of a reference: what is pushed into a filter stands in for exactly this, and is over when
 * the configuration says something else. A path or base64 stands for itself, as it always has.
 */
export function referenceText({ code, plugin, sha256 }: ModuleReference): string {
  if (plugin !== null) return `plugin ${plugin}`
  return sha256 === null ? (code ?? '') : `${code} sha256 ${sha256}`
}

/** The reference in the fields of a filter, references to the environment replaced. */
export function referenceOf(fields: Readonly<Record<string, unknown>>): ModuleReference {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    code: text(fields['code']),
    plugin: text(fields['plugin']),
    sha256: text(fields['sha256'])?.toLowerCase() ?? null,
  }
}
