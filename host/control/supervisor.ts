import { performance } from 'node:perf_hooks'
import { GatewayError, reasonOf } from '../errors.ts'
import { OBJECT_KINDS } from '../objects/builtin.ts'
import type { Generation, ObjectEnv } from '../objects/generation.ts'
import { GlobalFilterGeneration } from '../objects/global-filter.ts'
import { PipelineGeneration } from '../objects/pipeline.ts'
import type { Logger } from '../observe/log.ts'
import type { ApplyOutcome, ObjectState, ObjectStatus } from './control.ts'
import { diffObjects } from './diff.ts'
import type { ValidObject } from './validate.ts'

/** One object the supervisor knows, whether it runs or not. */
interface Managed {
  readonly object: ValidObject
  /** Null while it has never started. */
  readonly generation: Generation | null
  readonly count: number
  readonly error: string | null
}

/** Everything of an `ObjectEnv` that is the same for every object. */
export type SharedEnv = Omit<ObjectEnv, 'log' | 'pipeline' | 'globalFilter' | 'baseDir'>

/** Generations that may be alive at once, retired ones included; past it a warning says who holds them. */
export const LIVE_GENERATIONS_CAP = 16

/**
 * Runs objects. A change makes the new generations first, then swaps one pointer, then retires the old
 * ones; a failure before the swap closes what was made and changes nothing. Changes happen one after
 * another.
 */
export class Supervisor {
  readonly #env: SharedEnv
  readonly #log: Logger
  /** Replaced as a whole: whoever reads it sees all of a change or nothing of it. */
  #managed: ReadonlyMap<string, Managed> = new Map()
  #revision = 0
  #queue: Promise<unknown> = Promise.resolve()
  #retiring = 0

  constructor(env: SharedEnv, log: Logger) {
    this.#env = env
    this.#log = log
  }

  get revision(): number {
    return this.#revision
  }

  /** Generations that wait for their last exchange. */
  get retiring(): number {
    return this.#retiring
  }

  get objects(): ReadonlyMap<string, ValidObject> {
    return new Map([...this.#managed].map(([name, managed]) => [name, managed.object]))
  }

  generation(name: string): Generation | undefined {
    return this.#managed.get(name)?.generation ?? undefined
  }

  /** Files that objects were made from beside their documents: modules, users, what else filters read. */
  get files(): string[] {
    return [...this.#managed.values()].flatMap(({ generation }) => generation?.files ?? [])
  }

  /** The objects that were made from one of these files. */
  usersOf(files: ReadonlySet<string>): Set<string> {
    const names = new Set<string>()
    for (const [name, { generation }] of this.#managed) {
      if (generation?.files?.some((file) => files.has(file)) === true) names.add(name)
    }
    return names
  }

  /**
   * Makes `wanted` what runs. With `isBoot`, an object that cannot start is kept as failed and the others
   * run; later, one failure undoes the whole change. `reloads` are made anew though their text is equal.
   */
  apply(
    wanted: ReadonlyMap<string, ValidObject>,
    options: { readonly isBoot?: boolean; readonly reloads?: ReadonlySet<string> } = {},
  ): Promise<ApplyOutcome> {
    const run = this.#queue.then(() =>
      this.#apply(wanted, options.isBoot ?? false, options.reloads ?? new Set()),
    )
    this.#queue = run.catch(() => undefined)
    return run
  }

  /** Tries again to start what has failed. */
  retryFailed(): Promise<ApplyOutcome> | undefined {
    const failed = [...this.#managed.values()].filter((managed) => managed.generation === null)
    if (failed.length === 0) return undefined
    const run = this.#queue.then(() =>
      this.#apply(this.objects, true, new Set(failed.map((managed) => managed.object.name))),
    )
    this.#queue = run.catch(() => undefined)
    return run
  }

  status(): ObjectStatus[] {
    return [...this.#managed.values()].map(statusOf)
  }

  statusOf(name: string): ObjectStatus | undefined {
    const managed = this.#managed.get(name)
    return managed === undefined ? undefined : statusOf(managed)
  }

  /** Retires everything, servers first. */
  async close(): Promise<void> {
    await this.#queue
    const all = [...this.#managed.values()].sort((a, b) => order(b.object) - order(a.object))
    this.#managed = new Map()
    for (const { generation } of all) await generation?.retire()
  }

  async #apply(
    wanted: ReadonlyMap<string, ValidObject>,
    isBoot: boolean,
    reloads: ReadonlySet<string>,
  ): Promise<ApplyOutcome> {
    const startedAt = performance.now()
    const diff = diffObjects(this.objects, wanted, reloads)
    const failed: { name: string; reason: string }[] = []
    const made = new Map<string, Generation>()
    const changed = [...diff.created, ...diff.updated].sort((a, b) => order(a) - order(b))
    for (const object of changed) {
      try {
        made.set(object.name, await this.#create(object))
      } catch (error) {
        failed.push({ name: object.name, reason: reasonOf(error) })
        if (!isBoot) break
      }
    }
    if (failed.length > 0 && !isBoot) {
      for (const generation of made.values()) void this.#retire(generation)
      this.#markRefused(failed)
      return outcome([], [], [], failed, startedAt)
    }
    // Trying again without success is no change.
    const isFruitless = isBoot && reloads.size > 0 && made.size === 0
    if (!isFruitless) this.#swap(wanted, diff.deleted, made, failed)
    const ok = (objects: readonly ValidObject[]): string[] =>
      objects.map((object) => object.name).filter((name) => made.has(name))
    return outcome(
      ok(diff.created),
      ok(diff.updated),
      diff.deleted.map((object) => object.name),
      failed,
      startedAt,
    )
  }

  async #create(object: ValidObject): Promise<Generation> {
    const kind = OBJECT_KINDS.find((candidate) => candidate.kind === object.kind)
    if (kind === undefined) {
      throw new GatewayError('OBJECT_START', {
        name: object.name,
        reason: `unknown kind ${object.kind}`,
      })
    }
    const env: ObjectEnv = {
      ...this.#env,
      log: this.#log,
      pipeline: this.#pipeline,
      globalFilter: this.#globalFilter,
      baseDir: object.baseDir,
    }
    return kind.create(object.spec, env, this.#managed.get(object.name)?.generation ?? null)
  }

  /** The one moment at which a change takes effect. Nothing in here can fail or wait. */
  #swap(
    wanted: ReadonlyMap<string, ValidObject>,
    deleted: readonly ValidObject[],
    made: ReadonlyMap<string, Generation>,
    failed: readonly { readonly name: string; readonly reason: string }[],
  ): void {
    const former = this.#managed
    const next = new Map<string, Managed>()
    for (const object of wanted.values()) {
      const before = former.get(object.name)
      const generation = made.get(object.name)
      const failure = failed.find((candidate) => candidate.name === object.name)
      if (generation !== undefined) {
        next.set(object.name, { object, generation, count: (before?.count ?? 0) + 1, error: null })
      } else if (before !== undefined && failure === undefined) {
        // A change that was refused earlier has been taken back, or it would be in `failed` again.
        const isHealed = before.error !== null && before.generation !== null
        next.set(object.name, isHealed ? { ...before, error: null } : before)
      } else {
        next.set(object.name, {
          object,
          generation: before?.generation ?? null,
          count: before?.count ?? 0,
          error: failure?.reason ?? null,
        })
      }
    }
    this.#managed = next
    if (made.size > 0 || deleted.length > 0 || failed.length > 0) this.#revision += 1
    for (const generation of made.values()) generation.activate()
    for (const name of made.keys()) this.#retireFormer(former.get(name))
    for (const object of deleted) this.#retireFormer(former.get(object.name))
  }

  #retireFormer(former: Managed | undefined): void {
    if (former?.generation != null) void this.#retire(former.generation)
  }

  async #retire(generation: Generation): Promise<void> {
    this.#retiring += 1
    if (this.#retiring > LIVE_GENERATIONS_CAP) {
      this.#log.warn({ retiring: this.#retiring }, 'many old generations wait for their exchanges')
    }
    try {
      await generation.retire()
    } catch (error) {
      this.#log.error({ err: error }, `an old generation did not close: ${reasonOf(error)}`)
    }
    this.#retiring -= 1
  }

  /** The former generations go on; their status says that a change was refused, and why. */
  #markRefused(failed: readonly { readonly name: string; readonly reason: string }[]): void {
    const next = new Map(this.#managed)
    for (const { name, reason } of failed) {
      const managed = next.get(name)
      if (managed !== undefined) next.set(name, { ...managed, error: reason })
    }
    this.#managed = next
  }

  readonly #pipeline = (name: string): PipelineGeneration | undefined => {
    const generation = this.#managed.get(name)?.generation
    return generation instanceof PipelineGeneration ? generation : undefined
  }

  readonly #globalFilter = (name: string): GlobalFilterGeneration | undefined => {
    const generation = this.#managed.get(name)?.generation
    return generation instanceof GlobalFilterGeneration ? generation : undefined
  }
}

function order(object: ValidObject): number {
  return OBJECT_KINDS.findIndex((kind) => kind.kind === object.kind)
}

function statusOf({ object, generation, count, error }: Managed): ObjectStatus {
  const state: ObjectState = generation === null ? 'failed' : 'running'
  return {
    kind: object.kind,
    name: object.name,
    state,
    generation: count,
    error,
    detail: generation?.status() ?? null,
  }
}

function outcome(
  created: readonly string[],
  updated: readonly string[],
  deleted: readonly string[],
  failed: readonly { readonly name: string; readonly reason: string }[],
  startedAt: number,
): ApplyOutcome {
  return { created, updated, deleted, failed, durationMs: performance.now() - startedAt }
}
