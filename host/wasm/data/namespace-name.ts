import type { PluginDescription } from '../module/description.ts'

/**
 * The namespace of a filter's key-value data. Plugins of ours share it among all their versions and
 * filters, by the name they declare. A module that declares none, an Easegress guest among them, has one
 * for each filter. A name has no slash, so the two never meet.
 */
export function dataNamespace(
  description: Pick<PluginDescription, 'name'>,
  filter: { readonly pipeline: string; readonly filter: string },
): string {
  return description.name ?? `${filter.pipeline}/${filter.filter}`
}
