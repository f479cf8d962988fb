import { objectFields, z } from '../config/schema.ts'
import { REGISTRY_KINDS } from '../upstream/discovery/registries/builtin.ts'
import type { RegistryKind } from '../upstream/discovery/registries/registry-kind.ts'
import { defineObject, type ObjectKind } from './object.ts'

/** What holds for every kind of registry, for the reference pages. */
const COMMON_NOTES = [
  'Only services that a pool uses are looked at, and the status counts those; Easegress lists all there are.',
  'A registry is read and never written to: what Easegress puts into it for its mesh is left out.',
  'A registry that a pool names must exist; in Easegress the pool then has the servers it lists.',
]

/** The document of each kind of service registry. */
export const REGISTRY_OBJECT_SPECS: readonly ObjectKind[] = REGISTRY_KINDS.map(objectOf)

function objectOf({ kind, description, example, notes = [], spec }: RegistryKind): ObjectKind {
  return defineObject({
    kind,
    description,
    category: 'controller',
    example,
    notes: [...notes, ...COMMON_NOTES],
    spec: z.strictObject({ ...objectFields(kind), ...spec.shape }),
  })
}
