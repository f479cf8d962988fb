import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { REGISTRY_KINDS } from '../upstream/discovery/registries/builtin.ts'
import type { CheckContext } from './object.ts'

const KIND_NAMES: readonly string[] = REGISTRY_KINDS.map(({ kind }) => kind)

/** Whichever filter has pools: the registries that they name are there. Works on data of any shape. */
export function checkRegistries(filters: unknown, context: CheckContext): void {
  if (!Array.isArray(filters)) return
  for (const [index, filter] of filters.entries()) {
    if (!isJsonObject(filter)) continue
    const { pools, mirrorPool } = filter
    const path = ['filters', index]
    for (const [at, pool] of (Array.isArray(pools) ? pools : []).entries()) {
      if (isJsonObject(pool)) checkPoolRegistry(pool, [...path, 'pools', at], context)
    }
    if (isJsonObject(mirrorPool)) {
      checkPoolRegistry(mirrorPool, [...path, 'mirrorPool'], context)
    }
  }
}

/** The registry that one pool names is there, and is a registry. */
export function checkPoolRegistry(pool: JsonObject, path: JsonPath, context: CheckContext): void {
  const { serviceRegistry: name, serviceName } = pool
  if (typeof name !== 'string' || name === '') {
    const isNamed = typeof serviceName === 'string' && serviceName !== ''
    if (isNamed) warn(pool, 'serviceName', 'serviceRegistry', path, context)
    return
  }
  const field = [...path, 'serviceRegistry']
  const kind = context.kindOf(name)
  if (kind === undefined && context.isComplete) {
    context.report({
      path: field,
      message: `there is no service registry "${name}"`,
      suggestion: nearest(
        name,
        KIND_NAMES.flatMap((one) => context.namesOf(one)),
      ),
    })
  } else if (kind !== undefined && !KIND_NAMES.includes(kind)) {
    const message = `"${name}" is a ${kind}; a service registry is one of ${KIND_NAMES.join(', ')}`
    context.report({ path: field, message })
  }
  if (serviceName == null || serviceName === '') {
    warn(pool, 'serviceRegistry', 'serviceName', path, context)
  }
}

/** Easegress takes one without the other too, and then uses `servers`. Without any the schema complains. */
function warn(
  pool: JsonObject,
  field: string,
  missing: string,
  path: JsonPath,
  context: CheckContext,
): void {
  const { servers } = pool
  if (!Array.isArray(servers) || servers.length === 0) return
  const message = `\`${field}\` does nothing without \`${missing}\`: \`servers\` are used`
  context.report({ path: [...path, field], at: 'key', severity: 'warning', message })
}
