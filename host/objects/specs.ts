import { autoCertManagerKind } from './auto-cert-manager-spec.ts'
import { globalFilterKind } from './global-filter-spec.ts'
import { httpServerKind } from './http-server-spec.ts'
import type { ObjectKind } from './object.ts'
import { pipelineKind } from './pipeline-spec.ts'
import { REGISTRY_OBJECT_SPECS } from './service-registry-spec.ts'

/** Every kind of object a configuration may hold. */
export const OBJECT_SPECS: readonly ObjectKind[] = [
  httpServerKind,
  pipelineKind,
  globalFilterKind,
  autoCertManagerKind,
  ...REGISTRY_OBJECT_SPECS,
]
