import { GatewayError } from '../errors.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import { type ModuleReference, parsePluginId, referenceText } from '../wasm/plugin-reference.ts'
import type { Override } from '../wasm/plugin-store.ts'
import type { Canary } from '../wasm/rollout/canary.ts'
import { parseSticky } from '../wasm/rollout/sticky.ts'
import type { PluginFilters } from './plugin-filters.ts'
import type {
  Because,
  InspectedPlugin,
  PluginStatus,
  PushOutcome,
  TrialOptions,
} from './plugin-shapes.ts'
import type { TrialJudge } from './trial-status.ts'

/**
 * Versions in single filters: pushed in place of what the configuration names, tried, promoted, taken back.
 * The caller sees to it that one change happens at a time.
 */
export class PluginControl {
  readonly #filters: PluginFilters
  readonly #plugins: PluginHost
  readonly #judge: TrialJudge

  constructor(filters: PluginFilters, plugins: PluginHost, judge: TrialJudge) {
    this.#filters = filters
    this.#plugins = plugins
    this.#judge = judge
  }

  /**
   * Stores a module and swaps it in, or with `trial` lets it serve a share of the clients. GUEST_REFUSED
   * leaves what ran before, also after a restart.
   */
  async push(
    bytes: Uint8Array,
    pipeline: string,
    filter: string,
    { by, reason, trial }: Because & { readonly trial: TrialOptions | null },
  ): Promise<PushOutcome> {
    const at = this.#at(pipeline, filter)
    const former = await this.#formerOf(at)
    const previousDigest = this.#filters.digest(pipeline, filter)
    const { version } = await this.#sheet(at.key, bytes)
    const digest = await this.#plugins.store.put(bytes)
    const now = new Date().toISOString()
    if (trial !== null) {
      parseSticky(trial.sticky)
      if (digest === previousDigest) {
        throw new GatewayError('PLUGIN_CANARY', { reason: `${at.key} runs this module already` })
      }
      const canary = { digest, version, code: at.code, ...trial, at: now, by, reason }
      const durationMs = await this.#try(at, canary, former)
      return { digest, previousDigest, pipeline, filter, percent: trial.percent, durationMs }
    }
    const override = { digest, code: at.code, insteadOf: null, at: now, reason, by }
    const durationMs = await this.#run(at, override, former)
    await this.#noteReplaced(at, former.canary, digest, by)
    return { digest, previousDigest, pipeline, filter, percent: null, durationMs }
  }

  /** Gives the version on trial to all clients, or with `percent` to more or fewer of them. */
  async promote(
    pipeline: string,
    filter: string,
    { by, reason, percent }: Because & { readonly percent: number | null },
  ): Promise<PushOutcome> {
    const at = this.#at(pipeline, filter)
    const former = await this.#formerOf(at)
    const { canary } = former
    if (canary === null) throw new GatewayError('PLUGIN_NO_CANARY', { target: at.key })
    const previousDigest = this.#filters.digest(pipeline, filter)
    const { digest } = canary
    if (percent !== null) {
      const durationMs = await this.#try(at, { ...canary, percent }, former)
      return { digest, previousDigest, pipeline, filter, percent, durationMs }
    }
    const now = new Date().toISOString()
    const override = { digest, code: at.code, insteadOf: null, at: now, reason, by }
    const durationMs = await this.#run(at, override, former)
    return { digest, previousDigest, pipeline, filter, percent: null, durationMs }
  }

  /** Ends a trial, or goes back to the version that ran before. PLUGIN_NO_PREVIOUS when there is none. */
  async rollback(pipeline: string, filter: string, because: Because): Promise<PushOutcome> {
    const { store } = this.#plugins
    const at = this.#at(pipeline, filter)
    const former = await this.#formerOf(at)
    if (former.canary !== null) return await this.endTrial(pipeline, filter, because)
    // One that has had its day is recorded still: what the configuration names has changed since.
    const pushed = this.#isPushed(pipeline, filter) ? former.override : null
    const pin = parsePluginId(at.plugin ?? '')
    if (pushed === null && pin !== undefined && pin.version !== null) {
      throw new GatewayError('PLUGIN_PINNED', { filter: at.key, plugin: at.plugin ?? '' })
    }
    const current = this.#filters.digest(pipeline, filter)
    const history = await store.history(at.key)
    const target = history.findLast((entry) => entry.digest !== current && entry.withdrawn === null)
    if (target === undefined || (await store.get(target.digest)) === undefined) {
      throw new GatewayError('PLUGIN_NO_PREVIOUS', { filter: at.key })
    }
    const { digest } = target
    // A pushed module is replaced for good; one of a file only until the file holds something else.
    const insteadOf = pushed === null ? current : pushed.insteadOf
    const now = new Date().toISOString()
    const isNamed = pushed !== null && (await this.#named(at)) === digest
    // Back at what the configuration names: from now on the filter follows it again.
    const override = isNamed ? null : { digest, code: at.code, insteadOf, at: now, ...because }
    await store.withdraw(at.key, current, because.reason)
    const durationMs = await this.#run(at, override, former)
    return { digest, previousDigest: current, pipeline, filter, percent: null, durationMs }
  }

  /** Nothing more goes to the version on trial, at once; PLUGIN_NO_CANARY when there is none. */
  async endTrial(pipeline: string, filter: string, because: Because): Promise<PushOutcome> {
    const { store, rollouts } = this.#plugins
    const at = this.#at(pipeline, filter)
    const { canary } = await this.#formerOf(at)
    if (canary === null) throw new GatewayError('PLUGIN_NO_CANARY', { target: at.key })
    rollouts.end(at.key)
    await store.setCanary(at.key, null)
    await this.#noteTried(at, canary, because)
    const digest = this.#filters.digest(pipeline, filter)
    const previousDigest = canary.digest
    // Whether or not this can be done: no request goes to the version any more.
    const durationMs = await this.#filters.reload(
      at.key,
      new Set([pipeline]),
      async () => undefined,
    )
    return { digest, previousDigest, pipeline, filter, percent: null, durationMs }
  }

  /** The version on trial in this filter, for exactly what its configuration names. */
  async trialIn(pipeline: string, filter: string): Promise<Canary | null> {
    return (await this.#formerOf(this.#at(pipeline, filter))).canary
  }

  async list(): Promise<PluginStatus[]> {
    const found: PluginStatus[] = []
    for (const { pipeline, filter } of this.#filters.all()) {
      const status = await this.#status(pipeline, filter)
      if (status !== null) found.push(status)
    }
    return found
  }

  /** What a filter runs now. OBJECT_NOT_FOUND when it runs none. */
  async inspect(pipeline: string, filter: string): Promise<InspectedPlugin> {
    const { reference, baseDir } = this.#at(pipeline, filter)
    const running = await this.#status(pipeline, filter)
    const digest = this.#filters.digest(pipeline, filter)
    const bytes = await this.#plugins.store.get(digest)
    if (running === null || bytes === undefined) {
      throw new GatewayError('OBJECT_NOT_FOUND', {
        name: `the plugin in the filter ${filter} of the pipeline ${pipeline}`,
      })
    }
    const file = await this.#plugins.fileOf({ pipeline, filter, baseDir, ...reference }, digest)
    return { module: await this.#plugins.inspect(bytes, file), running, stored: null }
  }

  async #status(pipeline: string, filter: string): Promise<PluginStatus | null> {
    const detail = this.#filters.detail(pipeline, filter)
    if (detail === null) return null
    const at = this.#at(pipeline, filter)
    const canary = await this.#trialOf(at)
    const history = await this.#plugins.store.history(at.key)
    const trial = canary === null ? null : this.#judge.status(canary.subject, canary.canary)
    return { pipeline, filter, detail, trial, history }
  }

  /** The trial that this filter takes part in: one of its own, or that of the plugin it follows. */
  async #trialOf(at: Place): Promise<{ subject: string; canary: Canary } | null> {
    const { canary } = await this.#formerOf(at)
    if (canary !== null) return { subject: at.key, canary }
    const id = parsePluginId(at.plugin ?? '')
    if (id === undefined || id.version !== null) return null
    if (this.#isPushed(at.pipeline, at.filter)) return null
    const stored = (await this.#plugins.catalog.list()).find(([name]) => name === id.name)
    const common = stored?.[1].canary ?? null
    return common === null ? null : { subject: id.name, canary: common }
  }

  /** Does the filter run something in place of what its configuration names? */
  #isPushed(pipeline: string, filter: string): boolean {
    return this.#filters.detail(pipeline, filter)?.['origin'] === 'override'
  }

  /** Swaps a module in, and ends a trial that is there. */
  async #run(at: Place, override: Override | null, former: Former): Promise<number> {
    const { store, rollouts } = this.#plugins
    await store.setOverride(at.key, override)
    await store.setCanary(at.key, null)
    const durationMs = await this.#filters.reload(at.key, new Set([at.pipeline]), () =>
      this.#undo(at, former),
    )
    rollouts.end(at.key)
    return durationMs
  }

  /** Begins a trial or changes its share. A module that cannot be started is GUEST_REFUSED. */
  async #try(at: Place, canary: Canary, former: Former): Promise<number> {
    const { store, rollouts } = this.#plugins
    await store.setCanary(at.key, canary)
    const pipelines = new Set([at.pipeline])
    const durationMs = await this.#filters.reload(at.key, pipelines, () => this.#undo(at, former))
    const reason = rollouts.find(at.key, canary.digest)?.startFailure ?? null
    if (reason === null) {
      await this.#noteReplaced(at, former.canary, canary.digest, canary.by)
      return durationMs
    }
    rollouts.end(at.key)
    await this.#undo(at, former)
    await this.#filters.reload(at.key, pipelines, async () => undefined)
    throw new GatewayError('GUEST_REFUSED', { filter: at.key, reason })
  }

  #named({ pipeline, filter, reference, baseDir }: Place): Promise<string | null> {
    return this.#plugins.digestNamed({ pipeline, filter, baseDir, ...reference })
  }

  async #undo(at: Place, { override, canary }: Former): Promise<void> {
    await this.#plugins.store.setOverride(at.key, override)
    await this.#plugins.store.setCanary(at.key, canary)
  }

  async #noteReplaced(at: Place, former: Canary | null, digest: string, by: string): Promise<void> {
    if (former === null || former.digest === digest) return
    await this.#noteTried(at, former, { by, reason: 'another version was pushed' })
  }

  async #noteTried(at: Place, canary: Canary, { by, reason }: Because): Promise<void> {
    const { digest, version, percent } = canary
    await this.#plugins.store.tried(at.key, {
      digest,
      version,
      at: new Date().toISOString(),
      by,
      reason: `tried on ${percent}% of the clients`,
      withdrawn: reason,
    })
  }

  async #sheet(key: string, bytes: Uint8Array): Promise<{ readonly version: string | null }> {
    try {
      return await this.#plugins.inspect(Buffer.from(bytes))
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      throw new GatewayError('GUEST_REFUSED', { filter: key, reason: error.message }, error)
    }
  }

  async #formerOf({ key, code }: Place): Promise<Former> {
    const { store } = this.#plugins
    return {
      override: (await store.override(key, code)) ?? null,
      canary: (await store.canary(key, code)) ?? null,
    }
  }

  #at(pipeline: string, filter: string): Place {
    const { reference, baseDir } = this.#filters.find(pipeline, filter)
    const { plugin } = reference
    const code = referenceText(reference)
    return { pipeline, filter, key: `${pipeline}/${filter}`, plugin, code, reference, baseDir }
  }
}

/** One filter and what its configuration names. */
interface Place {
  readonly pipeline: string
  readonly filter: string
  /** `PIPELINE/FILTER`. */
  readonly key: string
  readonly plugin: string | null
  /** See `referenceText`. */
  readonly code: string
  readonly reference: ModuleReference
  readonly baseDir: string
}

/** What is recorded for a filter, to be put back when a change cannot be made. */
interface Former {
  readonly override: Override | null
  readonly canary: Canary | null
}
