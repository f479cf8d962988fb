import type { z } from '../../config/schema.ts'
import { FILTER_KINDS } from '../../filters/builtin.ts'
import { POLICY_KINDS } from '../../resilience/policies.ts'
import { OBJECT_SPECS } from '../specs.ts'

/** Where a kind stands in a configuration: by itself, under `filters`, or under `resilience`. */
export const GROUPS = ['object', 'filter', 'policy'] as const
export type Group = (typeof GROUPS)[number]

/** One kind of something, as its reference page and `penstock explain` tell it. */
export interface ReferenceKind {
  readonly group: Group
  readonly kind: string
  readonly description: string
  /** The results that may stand in `jumpIf`; null for what is no filter. */
  readonly results: readonly string[] | null
  /** YAML: a whole configuration for an object, else one entry of the list it stands in. */
  readonly example: string
  readonly notes: readonly string[]
  readonly spec: z.ZodType
}

/** Every kind there is, by group and in the order of its name. */
export function referenceKinds(): readonly ReferenceKind[] {
  return [
    ...OBJECT_SPECS.map((one) => entry('object', one, null)),
    ...FILTER_KINDS.map((one) => entry('filter', one, one.results)),
    ...POLICY_KINDS.map((one) => entry('policy', one, null)),
  ].toSorted(
    (a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || (a.kind < b.kind ? -1 : 1),
  )
}

interface Documented {
  readonly kind: string
  readonly description: string
  readonly example: string
  readonly notes?: readonly string[]
  readonly spec: z.ZodType
}

function entry(group: Group, one: Documented, results: readonly string[] | null): ReferenceKind {
  const { kind, description, example, notes = [], spec } = one
  return { group, kind, description, results, example, notes, spec }
}
