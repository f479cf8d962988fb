import type { Exchange } from '../exchange/exchange.ts'
import { promised } from '../exchange/late.ts'
import { type FlowEnd, WENT_THROUGH } from '../traffic/flow-run.ts'
import type { Generation, ObjectEnv } from './generation.ts'
import type { GlobalFilterSpec } from './global-filter-spec.ts'
import { createPipeline, type PipelineGeneration } from './pipeline.ts'
import type { PipelineSpec } from './pipeline-spec.ts'

/**
 * A running GlobalFilter:
 *
 *     beforePipeline ─▶ the route's pipeline ─▶ what plugins owe ─▶ afterPipeline
 *          └── END stops what follows, unless `fallthrough` says otherwise ──┘
 */
export class GlobalFilterGeneration implements Generation {
  readonly before: PipelineGeneration | null
  readonly after: PipelineGeneration | null
  readonly #spec: GlobalFilterSpec

  constructor(
    spec: GlobalFilterSpec,
    before: PipelineGeneration | null,
    after: PipelineGeneration | null,
  ) {
    this.#spec = spec
    this.before = before
    this.after = after
  }

  get files(): readonly string[] {
    return [...(this.before?.files ?? []), ...(this.after?.files ?? [])]
  }

  /** Runs the exchange through all three; afterwards there is a response. Never throws or rejects. */
  handle(exchange: Exchange, main: PipelineGeneration): void | Promise<void> {
    exchange.pipeline = main.name
    // Templates of the two see the data of the pipeline they stand around, as in Easegress.
    if (Object.keys(main.data).length > 0) exchange.putValue('PIPELINE', main.data)
    if (this.before === null) return this.#main(exchange, main)
    const end = promised(this.before.runFlow(exchange))
    return end instanceof Promise
      ? end.then((late) => this.#afterBefore(exchange, main, late))
      : this.#afterBefore(exchange, main, end)
  }

  activate(): void {
    // Servers look it up by name: being in the map is being active.
  }

  async retire(): Promise<void> {
    await Promise.all([this.before?.retire(), this.after?.retire()])
  }

  end(): number {
    return (this.before?.end() ?? 0) + (this.after?.end() ?? 0)
  }

  get drainTimeoutMs(): number {
    return this.#spec.drainTimeout
  }

  status(): unknown {
    return {
      health: '',
      beforePipeline: this.before?.status() ?? null,
      afterPipeline: this.after?.status() ?? null,
    }
  }

  #afterBefore(exchange: Exchange, main: PipelineGeneration, end: FlowEnd): void | Promise<void> {
    const { fallthrough } = this.#spec
    if (end === WENT_THROUGH || fallthrough.beforePipeline) return this.#main(exchange, main)
    return this.#complete(exchange, main, fallthrough.pipeline)
  }

  #main(exchange: Exchange, main: PipelineGeneration): void | Promise<void> {
    const end = promised(main.runFlow(exchange))
    return end instanceof Promise
      ? end.then((late) => this.#afterMain(exchange, main, late))
      : this.#afterMain(exchange, main, end)
  }

  #afterMain(exchange: Exchange, main: PipelineGeneration, end: FlowEnd): void | Promise<void> {
    const goesOn = end === WENT_THROUGH || this.#spec.fallthrough.pipeline
    return this.#complete(exchange, main, goesOn)
  }

  /** What the plugins of the flows owe comes before afterPipeline, which sees the response they leave. */
  #complete(exchange: Exchange, main: PipelineGeneration, goesOn: boolean): void | Promise<void> {
    const pending = promised(main.complete(exchange))
    const { after } = this
    if (after === null || !goesOn) return pending
    return pending instanceof Promise
      ? pending.then(() => runLast(exchange, after))
      : runLast(exchange, after)
  }
}

function runLast(exchange: Exchange, after: PipelineGeneration): void | Promise<void> {
  const end = promised(after.runFlow(exchange))
  return end instanceof Promise
    ? end.then(() => promised(after.complete(exchange)))
    : promised(after.complete(exchange))
}

/** Makes both pipelines, or none. */
export async function createGlobalFilter(
  spec: GlobalFilterSpec,
  env: ObjectEnv,
  previous: GlobalFilterGeneration | null,
): Promise<GlobalFilterGeneration> {
  const before = await createPart(spec, 'before', env, previous?.before ?? null)
  try {
    const after = await createPart(spec, 'after', env, previous?.after ?? null)
    return new GlobalFilterGeneration(spec, before, after)
  } catch (error) {
    await before?.retire()
    throw error
  }
}

async function createPart(
  spec: GlobalFilterSpec,
  part: 'before' | 'after',
  env: ObjectEnv,
  previous: PipelineGeneration | null,
): Promise<PipelineGeneration | null> {
  const body = part === 'before' ? spec.beforePipeline : spec.afterPipeline
  const checked = spec[part]
  if (body === undefined || checked === null) return null
  const pipeline: PipelineSpec = {
    ...body,
    ...checked,
    // A name of an object has no slash: this one is nobody else's.
    name: `${spec.name}/${part}`,
    kind: 'Pipeline',
    version: undefined,
    labels: {},
    createdAt: undefined,
    // Both parts are ended together, by the field of the whole.
    drainTimeout: 0,
  }
  return createPipeline(pipeline, env, previous)
}
