import { GatewayError } from '../../errors.ts'
import type { AbiTable } from '../abi/abi-table.ts'
import type { ModuleInfo } from '../module/module-info.ts'
import { type AskedGrant, askedSpec } from './grant-spec.ts'

/** The import module of the embedder's functions. */
export const FUNCTIONS_MODULE = 'host'

/** An import, as a compiler or our own reader knows it. */
export interface ImportName {
  readonly module: string
  readonly name: string
}

/** Can a module of this ABI come to wait for an answer? */
export function canWait(
  table: Pick<AbiTable, 'name' | 'suspends' | 'takesFunctions'>,
  imports: Iterable<ImportName>,
): boolean {
  for (const { module, name } of imports) {
    if (table.takesFunctions && module === FUNCTIONS_MODULE) return true
    if (module === table.name && table.suspends.includes(name)) return true
  }
  return false
}

/** What each host call of `penstock_v1` needs, beside those that need nothing. */
const NEEDS: Readonly<Record<string, AskedGrant>> = {
  body_get: { body: ['read'] },
  body_set: { body: ['write'] },
  body_size: { body: ['read'] },
  field_set: { target: true },
  header_add: { headers: { write: ['*'] } },
  header_count: { headers: { read: ['*'] } },
  header_get: { headers: { read: ['*'] } },
  header_get_at: { headers: { read: ['*'] } },
  header_names: { headers: { read: ['*'] } },
  header_remove: { headers: { write: ['*'] } },
  header_set: { headers: { write: ['*'] } },
  kv_add: { data: true },
  kv_add_float: { data: true },
  kv_cas: { data: true },
  kv_count: { data: true },
  kv_delete: { data: true },
  kv_get: { data: true },
  kv_put: { data: true },
  metric_define: { metrics: true },
  reply: { reply: true },
  status_set: { reply: true },
}

/** What a module asks for by the host calls it imports: a compiler leaves out those nobody uses. */
export function askedByImports(imports: Iterable<ImportName>): AskedGrant {
  let asked: AskedGrant = {}
  for (const { module, name } of imports) {
    if (module === FUNCTIONS_MODULE) asked = mergeAsked(asked, { functions: [name] })
    const need = module === 'penstock_v1' && Object.hasOwn(NEEDS, name) ? NEEDS[name] : undefined
    if (need !== undefined) asked = mergeAsked(asked, need)
  }
  return asked
}

/** What either asks for. */
export function mergeAsked(one: AskedGrant, other: AskedGrant): AskedGrant {
  const read = union(one.headers?.read, other.headers?.read)
  const write = union(one.headers?.write, other.headers?.write)
  const body = union(one.body, other.body)
  const outbound = union(one.outbound, other.outbound)
  const secrets = union(one.secrets, other.secrets)
  const keys = union(one.keys, other.keys)
  const functions = union(one.functions, other.functions)
  const hasHeaders = read !== undefined || write !== undefined
  return {
    ...(hasHeaders
      ? {
          headers: {
            ...(read === undefined ? {} : { read }),
            ...(write === undefined ? {} : { write }),
          },
        }
      : {}),
    ...(body === undefined ? {} : { body }),
    ...flagOf('target', one, other),
    ...flagOf('reply', one, other),
    ...flagOf('data', one, other),
    ...flagOf('metrics', one, other),
    ...(outbound === undefined ? {} : { outbound }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(keys === undefined ? {} : { keys }),
    ...(functions === undefined ? {} : { functions }),
  }
}

/**
 * What a module asks for: what its description says and what its imports show. GUEST_DESCRIPTION for a
 * description whose `grant` cannot be read.
 */
export function askedGrant(
  description: { readonly grant: Readonly<Record<string, unknown>> },
  info: Pick<ModuleInfo, 'imports'>,
): AskedGrant {
  const parsed = askedSpec.safeParse(description.grant)
  if (!parsed.success) {
    const reason = parsed.error.issues
      .map((issue) => `${['grant', ...issue.path.map(String)].join('.')}: ${issue.message}`)
      .join('; ')
    throw new GatewayError('GUEST_DESCRIPTION', { reason })
  }
  return mergeAsked(parsed.data, askedByImports(info.imports))
}

function flagOf(
  name: 'target' | 'reply' | 'data' | 'metrics',
  one: AskedGrant,
  other: AskedGrant,
): AskedGrant {
  return one[name] === true || other[name] === true ? { [name]: true } : {}
}

function union<T extends string>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
): T[] | undefined {
  if (one === undefined && other === undefined) return undefined
  return [...new Set([...(one ?? []), ...(other ?? [])])].sort()
}
