import { proxy } from '../filters/proxy.ts'
import type { ObjectEnv } from './generation.ts'
import { generatedName } from './http-server-rules.ts'
import type { HttpServerSpec } from './http-server-spec.ts'
import { createPipeline, type PipelineGeneration } from './pipeline.ts'
import type { PipelineSpec } from './pipeline-spec.ts'

type Pool = NonNullable<HttpServerSpec['rules'][number]['paths'][number]['backendPool']>

/** The fields of a Proxy beside its pools, as they are when nothing is configured. */
const PROXY_DEFAULTS = proxy.spec.parse({ pools: [{ servers: [{ url: 'http://127.0.0.1:1' }] }] })

/** Makes a pipeline with one Proxy for every route with a `backendPool`, or none of them. */
export async function createPools(
  spec: HttpServerSpec,
  env: ObjectEnv,
  previous: ReadonlyMap<string, PipelineGeneration> | null,
): Promise<ReadonlyMap<string, PipelineGeneration>> {
  const made = new Map<string, PipelineGeneration>()
  try {
    for (const [ruleIndex, rule] of spec.rules.entries()) {
      for (const [pathIndex, { backendPool }] of rule.paths.entries()) {
        if (backendPool === undefined) continue
        const name = generatedName(spec.name, ruleIndex, pathIndex)
        const former = previous?.get(name) ?? null
        made.set(name, await createPipeline(pipelineOf(name, backendPool), env, former))
      }
    }
  } catch (error) {
    await closePools(made)
    throw error
  }
  return made
}

/** Closes each after its last exchange. */
export async function closePools(pools: ReadonlyMap<string, PipelineGeneration>): Promise<void> {
  await Promise.all([...pools.values()].map((pool) => pool.retire()))
}

function pipelineOf(name: string, pool: Pool): PipelineSpec {
  const filter = { name: 'proxy', kind: proxy.kind }
  return {
    name,
    kind: 'Pipeline',
    version: undefined,
    labels: {},
    createdAt: undefined,
    flow: [],
    filters: [{ ...filter, spec: { ...PROXY_DEFAULTS, pools: [pool] }, json: filter }],
    resilience: [],
    data: {},
    drainTimeout: 0,
  }
}
