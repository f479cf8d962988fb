import { performance } from 'node:perf_hooks'
import { GatewayError, reasonOf } from '../errors.ts'
import type { MissingPart } from '../filters/filter.ts'
import { OBJECT_KINDS } from '../objects/builtin.ts'
import type { Generation, ObjectEnv } from '../objects/generation.ts'
import { GlobalFilterGeneration } from '../objects/global-filter.ts'
import { PipelineGeneration } from '../objects/pipeline.ts'
import type { Logger } from '../observe/log.ts'
import type { ApplyOutcome, ObjectState, ObjectStatus } from './control.ts'
import { type Diff, diffChange, diffObjects } from './diff.ts'
import { RetiringGenerations } from './retiring-generations.ts'
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
export type SharedEnv = Omit<ObjectEnv, 'log' | 'pipeline' | 'globalFilter' | 'baseDir' | 'isBoot'>

/**
 * Runs objects. A change makes the new generations first, then swaps one pointer, then retires the old
 * ones; a failure before the swap closes what was made and changes nothing. Changes happen one after
 * another.
 */
export class Supervisor {
  readonly #env: SharedEnv
  readonly #log: Logger
  /** Changed within one turn of the event loop: whoever reads it sees all of a change or nothing of it. */
  #managed: Map<string, Managed> = new Map()
  /** The names of those that run though a change of them was refused. */
  readonly #refused = new Set<string>()
  #revision = 0
  #queue: Promise<unknown> = Promise.resolve()
  /** Former generations that wait for their last exchange. */
  readonly retiring: RetiringGenerations

  constructor(env: SharedEnv, log: Logger) {
    this.#env = env
    this.#log = log
    this.retiring = new RetiringGenerations(log)
  }

  get revision(): number {
    return this.#revision
  }

  get objects(): ReadonlyMap<string, ValidObject> {
    return new Map([...this.#managed].map(([name, managed]) => [name, managed.object]))
  }

  object(name: string): ValidObject | undefined {
    return this.#managed.get(name)?.object
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

  /**
   * Makes `objects` what runs under their names and ends those of the names `deleted`. All others are left
   * alone, so what it costs does not depend on how many there are. One failure undoes the whole change.
   */
  change(objects: readonly ValidObject[], deleted: readonly string[]): Promise<ApplyOutcome> {
    const run = this.#queue.then(() => {
      const diff = diffChange((name) => this.object(name), objects, deleted)
      return this.#applyDiff(diff, false, false)
    })
    this.#queue = run.catch(() => undefined)
    return run
  }

  /** Tries again to start what has failed, and what runs without a part that could not be loaded. */
  retryFailed(): Promise<ApplyOutcome> | undefined {
    const failed = this.#namesOf(({ generation }) => generation === null)
    const incomplete = this.#namesOf(({ generation }) => (generation?.missing ?? null) !== null)
    if (failed.length + incomplete.length === 0) return undefined
    const run = this.#queue.then(async () => {
      const outcomes: ApplyOutcome[] = []
      if (failed.length > 0) outcomes.push(await this.#apply(this.objects, true, new Set(failed)))
      // One by one, and not as at a start: each is left as it is unless all of it can be loaded now.
      for (const name of incomplete) {
        if (!this.#managed.has(name)) continue
        outcomes.push(await this.#apply(this.objects, false, new Set([name])))
      }
      return together(outcomes)
    })
    this.#queue = run.catch(() => undefined)
    return run
  }

  /** Every part that could not be loaded when the gateway started and has not been since. */
  get missing(): readonly MissingPart[] {
    return [...this.#managed.values()].flatMap(({ generation }) => generation?.missing ?? [])
  }

  #namesOf(isWanted: (managed: Managed) => boolean): string[] {
    return [...this.#managed].filter(([, managed]) => isWanted(managed)).map(([name]) => name)
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
    // Requests of open connections are answered to the last one: what they need goes after the servers, and
    // servers close side by side, or the last one would take requests for as long as all others need.
    while (all.length > 0) {
      const kind = all[0]?.object.kind
      const size = all.findIndex(({ object }) => object.kind !== kind)
      const peers = all.splice(0, size < 0 ? all.length : size)
      await Promise.all(peers.map(({ generation }) => generation?.retire()))
    }
    this.#managed = new Map()
  }

  async #apply(
    wanted: ReadonlyMap<string, ValidObject>,
    isBoot: boolean,
    reloads: ReadonlySet<string>,
  ): Promise<ApplyOutcome> {
    const diff = diffObjects(this.objects, wanted, reloads)
    const done = await this.#applyDiff(diff, isBoot, isBoot && reloads.size > 0)
    if (done.failed.length === 0 || isBoot) this.#order([...wanted.keys()])
    return done
  }

  /** `isRetry`: trying again without success is no change. */
  async #applyDiff(diff: Diff, isBoot: boolean, isRetry: boolean): Promise<ApplyOutcome> {
    const startedAt = performance.now()
    const failed: { name: string; reason: string }[] = []
    const made = new Map<string, Generation>()
    const changed = [...diff.created, ...diff.updated].sort((a, b) => order(a) - order(b))
    for (const object of changed) {
      try {
        made.set(object.name, await this.#create(object, isBoot))
      } catch (error) {
        failed.push({ name: object.name, reason: reasonOf(error) })
        if (!isBoot) break
      }
    }
    if (failed.length > 0 && !isBoot) {
      for (const [name, generation] of made) void this.retiring.retire(name, generation)
      this.#markRefused(failed)
      return outcome([], [], [], failed, startedAt)
    }
    if (!isRetry || made.size > 0) this.#swap(diff, made, failed)
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

  async #create(object: ValidObject, isBoot: boolean): Promise<Generation> {
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
      isBoot,
    }
    return kind.create(object.spec, env, this.#managed.get(object.name)?.generation ?? null)
  }

  /** The one moment at which a change takes effect. Nothing in here can fail or wait. */
  #swap(
    diff: Diff,
    made: ReadonlyMap<string, Generation>,
    failed: readonly { readonly name: string; readonly reason: string }[],
  ): void {
    const former: Managed[] = []
    for (const object of [...diff.created, ...diff.updated]) {
      const { name } = object
      const before = this.#managed.get(name)
      const generation = made.get(name)
      const count = before?.count ?? 0
      if (generation !== undefined) {
        if (before !== undefined) former.push(before)
        this.#manage(name, { object, generation, count: count + 1, error: null })
      } else {
        const error = failed.find((candidate) => candidate.name === name)?.reason ?? null
        this.#manage(name, { object, generation: before?.generation ?? null, count, error })
      }
    }
    for (const { name } of diff.deleted) {
      const before = this.#managed.get(name)
      if (before !== undefined) former.push(before)
      this.#managed.delete(name)
      this.#refused.delete(name)
    }
    // A change that was refused earlier has been taken back, or it would be in `failed` again.
    for (const name of [...this.#refused]) {
      const managed = this.#managed.get(name)
      if (managed === undefined || failed.some((one) => one.name === name)) continue
      this.#manage(name, { ...managed, error: null })
    }
    if (made.size > 0 || diff.deleted.length > 0 || failed.length > 0) this.#revision += 1
    for (const generation of made.values()) generation.activate()
    for (const { object, generation } of former) {
      if (generation !== null) void this.retiring.retire(object.name, generation)
    }
  }

  #manage(name: string, managed: Managed): void {
    this.#managed.set(name, managed)
    if (managed.error !== null && managed.generation !== null) this.#refused.add(name)
    else this.#refused.delete(name)
  }

  /** Lists objects in the order of the configuration. */
  #order(names: readonly string[]): void {
    const former = this.#managed
    this.#managed = new Map()
    for (const name of names) {
      const managed = former.get(name)
      if (managed !== undefined) this.#managed.set(name, managed)
    }
  }

  /** The former generations go on; their status says that a change was refused, and why. */
  #markRefused(failed: readonly { readonly name: string; readonly reason: string }[]): void {
    for (const { name, reason } of failed) {
      const managed = this.#managed.get(name)
      if (managed !== undefined) this.#manage(name, { ...managed, error: reason })
    }
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

function together(outcomes: readonly ApplyOutcome[]): ApplyOutcome {
  return {
    created: outcomes.flatMap(({ created }) => created),
    updated: outcomes.flatMap(({ updated }) => updated),
    deleted: [],
    failed: outcomes.flatMap(({ failed }) => failed),
    durationMs: outcomes.reduce((total, { durationMs }) => total + durationMs, 0),
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
