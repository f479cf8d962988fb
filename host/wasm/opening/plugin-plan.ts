import { GatewayError } from '../../errors.ts'
import { abiNamed } from '../abi/builtin.ts'
import { dataNamespace } from '../data/namespace-name.ts'
import type { PluginSetup } from '../executor.ts'
import { askedGrant, canWait } from '../grant/asked-grant.ts'
import { type Grant, Right } from '../grant/grant.ts'
import { type GrantView, grantView } from '../grant/grant-view.ts'
import { resolveGrant } from '../grant/resolve-grant.ts'
import { keyGrants, keyValues } from '../jwt/filter-keys.ts'
import { WASM_DEFAULTS } from '../limits.ts'
import type { PluginDescription } from '../module/description.ts'
import type { PluginRequest } from '../open-plugin.ts'
import { checkParameters } from '../parameters.ts'
import type { CompiledModule } from './compiled-modules.ts'

/** Everything about a plugin in a filter that is known before any of its code runs. */
export interface PluginPlan {
  /** As messages and labels call it. */
  readonly name: string
  /** With the operator's limits in it. */
  readonly description: PluginDescription
  readonly setup: PluginSetup
  readonly grant: Grant
  readonly grantView: GrantView
  /** The namespace of its key-value data, also of a plugin that may have none. */
  readonly dataNamespace: string
}

/** Where the plan is to be carried out. */
export interface PlanPlace {
  /** Of the setup: unique in this process. */
  readonly id: number
  /** Threads that share its instances. */
  readonly threads: number
}

/**
 * Joins what a module asks for and what its filter allows. Fails with GUEST_PARAMETERS for those the module
 * does not take, and with GUEST_START for what cannot be reset.
 */
export function planPlugin(
  request: PluginRequest,
  { description, module, report, info }: CompiledModule,
  { id, threads }: PlanPlace,
): PluginPlan {
  const parameters = checkParameters(description, request.parameters)
  const { reset } = request
  if (reset === 'request' && report.outsideSnapshot.length > 0) {
    throw new GatewayError('GUEST_START', {
      reason: `reset: request cannot put back ${report.outsideSnapshot.join(', ')}`,
    })
  }
  const name = description.name ?? request.filter
  const data = dataNamespace(description, request)
  const asked = askedGrant(description, info)
  const grant = resolveGrant({
    // What was pushed in place of `code` is the operator's own too.
    profile: request.plugin === null ? 'local' : 'store',
    asked,
    operator: request.grant,
    secrets: Object.keys(request.secrets),
    keys: keyGrants(request.keys ?? {}),
  })
  const secrets = Object.entries(request.secrets).filter(([key]) => grant.secrets.includes(key))
  const isInline = request.isolation === 'inline'
  return {
    name,
    description: withBodyLimit(description, request.bodyBytes),
    setup: {
      id,
      name,
      abi: description.abi,
      module,
      parameters,
      fuel: request.fuel ?? (isInline ? WASM_DEFAULTS.inlineFuel : WASM_DEFAULTS.fuel),
      data: (grant.rights & Right.data) === 0 ? null : data,
      reset,
      grant,
      secrets: new Map([...secrets, ...keyValues(grant, request.keys ?? {})]),
      canWait: canWait(abiNamed(description.abi).table, info.imports),
      instances: Math.max(1, Math.floor(request.maxConcurrency / threads)),
    },
    grant,
    grantView: grantView(asked, grant),
    dataNamespace: data,
  }
}

/** What a module asks for is held to what its operator allows. */
function withBodyLimit(description: PluginDescription, bytes: number): PluginDescription {
  const { body } = description
  return body.limit <= bytes ? description : { ...description, body: { ...body, limit: bytes } }
}
