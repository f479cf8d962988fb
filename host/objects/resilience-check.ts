import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import {
  FORMER_POLICY_KINDS,
  POLICY_KINDS,
  type PolicyKindName,
  type PolicySpec,
} from '../resilience/policies.ts'
import type { CheckContext } from './object.ts'
import { PART_FIELDS } from './part-fields.ts'

/** The fields of a pool that name a policy, and the kind it must be of. */
const REFERENCES: Readonly<Record<string, PolicyKindName>> = {
  circuitBreakerPolicy: 'CircuitBreaker',
  retryPolicy: 'Retry',
}

/**
 * The policies of a pipeline, checked against their kinds, and what refers to them. Works on data of any
 * shape: a policy without a name or with an unknown kind is left out of the answer and reported.
 */
export function checkResilience(data: JsonObject, context: CheckContext): readonly PolicySpec[] {
  const policies: PolicySpec[] = []
  /** Name to kind; a kind that is unknown fits every reference: it is reported where it stands. */
  const kinds = new Map<string, string>()
  const list = Array.isArray(data['resilience']) ? data['resilience'] : []
  for (const [index, policy] of list.entries()) {
    if (!isJsonObject(policy)) continue
    const path = ['resilience', index]
    const { name, kind } = policy
    if (typeof name === 'string') {
      if (kinds.has(name)) {
        const message = `"${name}" is the name of another policy already`
        context.report({ path: [...path, 'name'], message })
      } else kinds.set(name, typeof kind === 'string' ? kind : '')
    }
    if (typeof kind !== 'string' || kind === '') continue
    const known = POLICY_KINDS.find((one) => one.kind === kind)
    if (known === undefined) {
      reportKind(kind, [...path, 'kind'], context)
      continue
    }
    const spec = context.parse(known.spec, path, PART_FIELDS)
    // The schema of the kind made it: nothing else has this type.
    if (typeof name === 'string') policies.push({ name, kind: known.kind, spec } as PolicySpec)
  }
  checkReferences(data['filters'], kinds, context)
  return policies
}

function reportKind(kind: string, path: JsonPath, context: CheckContext): void {
  const former = FORMER_POLICY_KINDS[kind]
  const names = POLICY_KINDS.map((one) => one.kind)
  context.report({
    path,
    message:
      former === undefined
        ? `there is no policy kind "${kind}": it is one of ${names.join(', ')}`
        : `there is no policy kind "${kind}": ${former}`,
    suggestion: nearest(kind, names),
  })
}

/** Whichever filter has pools: a reference leads to a policy of the kind its field asks for. */
function checkReferences(
  filters: unknown,
  kinds: ReadonlyMap<string, string>,
  context: CheckContext,
): void {
  if (!Array.isArray(filters)) return
  for (const [index, filter] of filters.entries()) {
    if (!isJsonObject(filter) || !Array.isArray(filter['pools'])) continue
    for (const [at, pool] of filter['pools'].entries()) {
      if (!isJsonObject(pool)) continue
      for (const [field, kind] of Object.entries(REFERENCES)) {
        const name = pool[field]
        if (typeof name !== 'string' || name === '') continue
        checkReference(name, kind, ['filters', index, 'pools', at, field], kinds, context)
      }
    }
  }
}

function checkReference(
  name: string,
  kind: PolicyKindName,
  path: JsonPath,
  kinds: ReadonlyMap<string, string>,
  context: CheckContext,
): void {
  const found = kinds.get(name)
  const isUnknown = found !== undefined && !POLICY_KINDS.some((one) => one.kind === found)
  if (found === kind || isUnknown) return
  if (found !== undefined) {
    context.report({ path, message: `"${name}" is a ${found}, this field takes a ${kind}` })
    return
  }
  const fitting = [...kinds].filter(([, one]) => one === kind).map(([one]) => one)
  context.report({
    path,
    message: `there is no policy "${name}" under \`resilience\``,
    suggestion: nearest(name, fitting),
  })
}
