import { GatewayError, isGatewayError, reasonOf } from '../errors.ts'
import type { Exchange, Releasable } from '../exchange/exchange.ts'
import type { Late } from '../exchange/late.ts'
import { FILTER_KINDS } from '../filters/builtin.ts'
import type { Filter, MissingPart } from '../filters/filter.ts'
import { LazyLogger } from '../observe/lazy-logger.ts'
import { PolicySet } from '../resilience/policies.ts'
import { type Dict, fromData } from '../template/value.ts'
import { compileFlow, type FlowNode, type FlowNodeSpec } from '../traffic/flow.ts'
import type { FlowEnd } from '../traffic/flow-run.ts'
import { ParallelNode } from '../traffic/parallel.ts'
import { PipelineRunner } from '../traffic/pipeline.ts'
import type { Generation, ObjectEnv } from './generation.ts'
import type { PipelineSpec } from './pipeline-spec.ts'

/** A running pipeline. Exchanges hold it, so that it is closed only after the last of them. */
export class PipelineGeneration implements Generation, Releasable {
  readonly name: string
  readonly filters: ReadonlyMap<string, Filter>
  /** What templates find under `.data.PIPELINE`. */
  readonly data: Dict
  readonly drainTimeoutMs: number
  readonly #runner: PipelineRunner
  #exchanges = 0
  #retired: (() => void) | null = null

  constructor(
    name: string,
    filters: ReadonlyMap<string, Filter>,
    data: Dict,
    runner: PipelineRunner,
    drainTimeoutMs = 0,
  ) {
    this.name = name
    this.filters = filters
    this.data = data
    this.#runner = runner
    this.drainTimeoutMs = drainTimeoutMs
  }

  get files(): readonly string[] {
    return [...this.filters.values()].flatMap((filter) => filter.files ?? [])
  }

  get missing(): readonly MissingPart[] | null {
    const missing = [...this.filters].flatMap(([name, { missing: part }]) =>
      part === undefined ? [] : [{ ...part, reason: `${this.name}/${name}: ${part.reason}` }],
    )
    return missing.length === 0 ? null : missing
  }

  /** Runs the flow; the exchange keeps this generation until its last phase has run. */
  handle(exchange: Exchange): void | Late<void> {
    this.#exchanges += 1
    exchange.pipeline = this.name
    exchange.holdGeneration(this)
    return this.#runner.run(exchange)
  }

  /** The flow alone, with others before or after it; `complete` must follow. */
  runFlow(exchange: Exchange): FlowEnd | Late<FlowEnd> {
    this.#exchanges += 1
    exchange.holdGeneration(this)
    return this.#runner.runFlow(exchange)
  }

  /** Runs what plugins owe, and sees to it that there is a response. */
  complete(exchange: Exchange): void | Late<void> {
    return this.#runner.complete(exchange)
  }

  /** The phases of an exchange have ended. */
  release(): void {
    this.#exchanges -= 1
    if (this.#exchanges === 0) this.#retired?.()
  }

  activate(): void {
    // Servers look the pipeline up by name: being in the map is being active.
  }

  async retire(): Promise<void> {
    if (this.#exchanges > 0) {
      await new Promise<void>((resolve) => {
        this.#retired = resolve
      })
    }
    await closeFilters(this.filters.values())
  }

  /** Its filters are closed under the exchanges that are left: what is under way in one goes on. */
  end(): number {
    const retired = this.#retired
    if (retired === null) return 0
    this.#retired = null
    retired()
    return this.#exchanges
  }

  status(): unknown {
    const filters: Record<string, unknown> = {}
    for (const [name, filter] of this.filters) filters[name] = filter.status?.() ?? {}
    return { health: '', exchanges: this.#exchanges, filters }
  }
}

/** Makes every filter, or none: what was made before one failed is closed again. */
export async function createPipeline(
  spec: PipelineSpec,
  env: ObjectEnv,
  previous: PipelineGeneration | null,
): Promise<PipelineGeneration> {
  const filters = new Map<string, Filter>()
  const log = new LazyLogger(env.log, { pipeline: spec.name })
  const policies = new PolicySet(spec.resilience)
  // A pipeline's data is a map, and fromData keeps it one.
  const data = fromData(spec.data) as Dict
  try {
    for (const filter of spec.filters) {
      const made = await createFilter(spec.name, filter, policies, data, env, previous)
      filters.set(filter.name, made)
    }
    checkOpenResults(spec, filters)
  } catch (error) {
    await closeFilters(filters.values())
    throw error
  }
  const flow = compileFlow(
    spec.flow,
    filters,
    (label, branches) => new ParallelNode(label, branches, log),
  )
  const nodes = observed(spec, flow, filters, env)
  const runner = new PipelineRunner(spec.name, nodes, log)
  return new PipelineGeneration(spec.name, filters, data, runner, spec.drainTimeout)
}

async function createFilter(
  pipeline: string,
  spec: PipelineSpec['filters'][number],
  policies: PolicySet,
  data: Dict,
  env: ObjectEnv,
  previous: PipelineGeneration | null,
): Promise<Filter> {
  const kind = FILTER_KINDS.find((candidate) => candidate.kind === spec.kind)
  if (kind === undefined) {
    throw new GatewayError('OBJECT_START', {
      name: `${pipeline}/${spec.name}`,
      reason: `the filter kind ${spec.kind} is unknown`,
    })
  }
  try {
    return await kind.create(
      spec.spec,
      {
        pipeline,
        filter: spec.name,
        baseDir: env.baseDir,
        log: new LazyLogger(env.log, { pipeline, filter: spec.name }),
        engine: env.engine,
        clients: env.clients,
        registries: env.registries,
        plugins: env.plugins,
        isBoot: env.isBoot,
        policies,
        isEasegress: env.isEasegress,
        data,
      },
      previous?.filters.get(spec.name),
    )
  } catch (error) {
    const hint = isGatewayError(error) ? `. ${error.hint}` : ''
    throw new GatewayError(
      'OBJECT_START',
      { name: `${pipeline}/${spec.name}`, reason: `${reasonOf(error)}${hint}` },
      error,
    )
  }
}

/** The flow itself, or with whoever records exchanges around each filter. */
function observed(
  spec: PipelineSpec,
  nodes: readonly FlowNode[],
  filters: ReadonlyMap<string, Filter>,
  env: ObjectEnv,
): readonly FlowNode[] {
  if (env.observer === null) return nodes
  const named = spec.filters.flatMap(({ name, kind }) => {
    const filter = filters.get(name)
    return filter === undefined ? [] : [{ name, kind, filter }]
  })
  return env.observer.watchFlow(spec.name, nodes, named)
}

/** A jump by a result that only the loaded module could declare, and does not, would never be taken. */
function checkOpenResults(spec: PipelineSpec, filters: ReadonlyMap<string, Filter>): void {
  for (const node of allNodes(spec.flow)) {
    const filter = filters.get(node.filter ?? '')
    if (filter?.resultNames === undefined || node.jumpIf === undefined) continue
    const filterSpec = spec.filters.find((candidate) => candidate.name === node.filter)
    const kind = FILTER_KINDS.find((candidate) => candidate.kind === filterSpec?.kind)
    const known = [...(kind?.results ?? []), ...filter.resultNames, '']
    for (const result of Object.keys(node.jumpIf)) {
      if (known.includes(result)) continue
      throw new GatewayError('OBJECT_START', {
        name: `${spec.name}/${node.filter}`,
        reason: `jumpIf names the result "${result}", which its module does not declare; it has ${known.filter((one) => one !== '').join(', ')}`,
      })
    }
  }
}

/** The nodes of a flow with those of its branches. */
function allNodes(flow: readonly FlowNodeSpec[]): FlowNodeSpec[] {
  return flow.flatMap((node) => [node, ...(node.parallel ?? []).flatMap(allNodes)])
}

async function closeFilters(filters: Iterable<Filter>): Promise<void> {
  for (const filter of filters) await filter.close?.()
}
