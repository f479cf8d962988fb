import type { Executor, PluginSetup } from '../wasm/executor.ts'
import { type Grant, LOCAL_GRANT } from '../wasm/grant/grant.ts'
import type { OpenPlugin } from '../wasm/open-plugin.ts'
import { SourcePlaces } from '../wasm/source-places.ts'
import type { OpenedModule } from './open-module.ts'

/** What bounds the guest. */
export interface FilterLimits {
  readonly fuel: number
  readonly reset: 'never' | 'request'
}

/** What an executor makes instances of; `data` is the namespace of its key-value data. */
export function setupOf(
  { description, module }: OpenedModule,
  parameters: ReadonlyMap<string, string>,
  data: string,
  limits: FilterLimits,
  more: Partial<PluginSetup> = {},
): PluginSetup {
  const name = nameOf(description)
  return { id: 1, name, abi: description.abi, module, parameters, data, ...limits, ...more }
}

/** An opened module as a filter takes it: what a plugin host would hand out. */
export function openPlugin(
  { description, digest, gated, info }: OpenedModule,
  file: string | null,
  executor: Executor,
  grant: Grant = LOCAL_GRANT,
  meters: OpenPlugin['meters'] = { record: () => undefined },
): OpenPlugin {
  return {
    digest,
    name: nameOf(description),
    description,
    dataNamespace: nameOf(description),
    origin: 'code',
    file,
    executor,
    report: gated.report,
    places: new SourcePlaces(info, { stored: null, module: file }, gated.offsetMap),
    debugRun: null,
    grant,
    grantView: { asked: [], allowed: [], denied: [] },
    meters,
    observe: () => undefined,
    isSuspended: () => false,
    retain: () => undefined,
    close: () => executor.close(),
  }
}

/** What a module is called, as its own description has it. */
export function nameOf(description: OpenedModule['description']): string {
  return description.name ?? 'filter'
}
