import { REGISTRY_KINDS } from '../upstream/discovery/registries/builtin.ts'
import type { createAutoCertManager } from './auto-cert-manager.ts'
import { autoCertManagerKind } from './auto-cert-manager-spec.ts'
import type { Generation, ObjectEnv } from './generation.ts'
import { createGlobalFilter, GlobalFilterGeneration } from './global-filter.ts'
import { globalFilterKind } from './global-filter-spec.ts'
import { createHttpServer, HttpServerGeneration } from './http-server.ts'
import { httpServerKind } from './http-server-spec.ts'
import { createPipeline, PipelineGeneration } from './pipeline.ts'
import { pipelineKind } from './pipeline-spec.ts'
import { ServiceRegistryGeneration } from './service-registry.ts'

/** How a kind of object is brought to life. */
export interface ObjectRuntime {
  readonly kind: string
  /** `spec` has been validated by the schema of the kind. */
  create(spec: unknown, env: ObjectEnv, previous: Generation | null): Promise<Generation>
}

/**
 * Every kind of object, in the order they start: what others need comes first. Closing goes the other
 * way. Adding one is its files and a line here.
 */
export const OBJECT_KINDS: readonly ObjectRuntime[] = [
  {
    kind: autoCertManagerKind.kind,
    create: async (spec, env) => {
      // Loaded by who has one: it brings Node's HTTP client along.
      const { createAutoCertManager: create } = await import('./auto-cert-manager.ts')
      // `spec` is this schema's output: that is what validation hands on.
      return create(spec as Parameters<typeof createAutoCertManager>[0], env)
    },
  },
  ...REGISTRY_KINDS.map((registry) => ({
    kind: registry.kind,
    create: (spec: unknown, env: ObjectEnv) =>
      Promise.resolve(
        new ServiceRegistryGeneration(
          registry,
          spec as ConstructorParameters<typeof ServiceRegistryGeneration>[1],
          env,
        ),
      ),
  })),
  {
    kind: pipelineKind.kind,
    create: (spec, env, previous) =>
      createPipeline(
        // `spec` is this schema's output: that is what validation hands on.
        spec as Parameters<typeof createPipeline>[0],
        env,
        previous instanceof PipelineGeneration ? previous : null,
      ),
  },
  {
    kind: globalFilterKind.kind,
    create: (spec, env, previous) =>
      createGlobalFilter(
        spec as Parameters<typeof createGlobalFilter>[0],
        env,
        previous instanceof GlobalFilterGeneration ? previous : null,
      ),
  },
  {
    kind: httpServerKind.kind,
    create: (spec, env, previous) =>
      createHttpServer(
        spec as Parameters<typeof createHttpServer>[0],
        env,
        previous instanceof HttpServerGeneration ? previous : null,
      ),
  },
]
