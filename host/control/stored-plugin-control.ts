import { GatewayError } from '../errors.ts'
import type { StoredPlugin, StoredVersion } from '../wasm/plugin-catalog.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { Canary } from '../wasm/rollout/canary.ts'
import { parseSticky } from '../wasm/rollout/sticky.ts'
import type { PluginFilters } from './plugin-filters.ts'
import type {
  Because,
  InspectedPlugin,
  StoredOutcome,
  StoredPluginStatus,
  StoredPlugins,
  StoredVersionStatus,
  TrialOptions,
} from './plugin-shapes.ts'
import type { TrialJudge } from './trial-status.ts'

type Done = Pick<StoredOutcome, 'isNew' | 'percent' | 'reloaded'>

/**
 * Versions of plugins by name, and which of them `plugin: name` runs. A change of what is promoted makes the
 * pipelines of all filters that follow the name anew, together or not at all. The caller sees to it that one
 * change happens at a time.
 */
export class StoredPluginControl implements StoredPlugins {
  readonly #filters: PluginFilters
  readonly #plugins: PluginHost
  readonly #judge: TrialJudge

  constructor(filters: PluginFilters, plugins: PluginHost, judge: TrialJudge) {
    this.#filters = filters
    this.#plugins = plugins
    this.#judge = judge
  }

  async list(): Promise<readonly StoredPluginStatus[]> {
    const all = await this.#plugins.catalog.list()
    return all.map(([name, plugin]) => this.#status(name, plugin))
  }

  async inspect(name: string, version: string | null): Promise<InspectedPlugin> {
    const { catalog, store } = this.#plugins
    const found = await catalog.version({ name, version })
    const bytes = await store.get(found.digest)
    if (bytes === undefined) {
      throw new GatewayError('OBJECT_NOT_FOUND', { name: `module ${found.digest} any more` })
    }
    const stored = this.#status(name, await catalog.get(name))
    return { module: await this.#plugins.inspect(bytes), running: null, stored }
  }

  async push(
    bytes: Uint8Array,
    options: Because & {
      readonly name: string | null
      readonly version: string | null
      readonly trial: TrialOptions | null
    },
  ): Promise<StoredOutcome> {
    const { catalog, store } = this.#plugins
    const { by, reason, trial } = options
    const sheet = await this.#plugins.inspect(Buffer.from(bytes))
    const name = options.name ?? sheet.name
    const version = options.version ?? sheet.version
    if (name === null) throw new GatewayError('PLUGIN_UNNAMED', { what: 'name', seen: '' })
    if (version === null) throw new GatewayError('PLUGIN_UNNAMED', { what: 'version', seen: '' })
    const { digest } = sheet
    const at = new Date().toISOString()
    const isNew = await catalog.add(name, { version, digest, bytes: sheet.bytes, at, by }, reason)
    await store.put(bytes)
    if (trial !== null)
      return { ...(await this.promote(name, { by, reason, version, trial })), isNew }
    return this.#outcome(name, version, { isNew, percent: null, reloaded: [] })
  }

  async promote(
    name: string,
    options: Because & { readonly version: string | null; readonly trial: TrialOptions | null },
  ): Promise<StoredOutcome> {
    const { catalog } = this.#plugins
    const { by, reason, trial } = options
    const before = await catalog.get(name)
    const wanted = options.version ?? before.canary?.version ?? null
    if (wanted === null) throw new GatewayError('PLUGIN_NO_CANARY', { target: name })
    const { version, digest } = await catalog.version({ name, version: wanted })
    if (trial !== null)
      return await this.#try(name, { version, digest }, { by, reason, trial }, before)
    const isThere = before.promoted === version && before.canary === null
    if (isThere) return this.#outcome(name, version, { isNew: false, percent: null, reloaded: [] })
    const versions = withReason(before, version, null)
    const event = { action: 'promoted', version, at: new Date().toISOString(), by, reason } as const
    await catalog.change(name, { promoted: version, canary: null, versions }, event)
    const reloaded = await this.#reload(name, before)
    this.#plugins.rollouts.end(name)
    return this.#outcome(name, version, { isNew: false, percent: null, reloaded })
  }

  async rollback(name: string, { by, reason }: Because): Promise<StoredOutcome> {
    const { catalog, rollouts } = this.#plugins
    const before = await catalog.get(name)
    const at = new Date().toISOString()
    const { canary, promoted } = before
    if (canary !== null) {
      // At once; whether or not the pipelines can be made anew, nothing goes to the version any more.
      rollouts.end(name)
      const versions = withReason(before, canary.version ?? '', reason)
      const event = { action: 'rolled back', version: promoted, at, by, reason } as const
      await catalog.change(name, { canary: null, versions }, event)
      const reloaded = this.#followers(name)
      await this.#filters.reload(name, new Set(reloaded), async () => undefined)
      return this.#outcome(name, promoted, { isNew: false, percent: null, reloaded })
    }
    const version = previousOf(before)
    if (version === undefined) throw new GatewayError('PLUGIN_NO_PREVIOUS', { filter: name })
    const versions = withReason(before, promoted, reason)
    const event = { action: 'rolled back', version, at, by, reason } as const
    await catalog.change(name, { promoted: version, versions }, event)
    const reloaded = await this.#reload(name, before)
    return this.#outcome(name, version, { isNew: false, percent: null, reloaded })
  }

  async remove(
    name: string,
    version: string | null,
    { by, reason }: Because,
  ): Promise<readonly string[]> {
    const { catalog, store } = this.#plugins
    const plugin = await catalog.get(name)
    const gone = version === null ? plugin.versions : [await catalog.version({ name, version })]
    const shown = version === null ? name : `${name}@${version}`
    const users = this.#needs(name, plugin, version)
    if (users.length > 0) {
      throw new GatewayError('PLUGIN_IN_USE', { plugin: shown, users: users.join(', ') })
    }
    const at = new Date().toISOString()
    await catalog.remove(name, version, {
      action: 'removed',
      version: version ?? '',
      at,
      by,
      reason,
    })
    const inFilters = await store.digestsInUse()
    const named = (await catalog.list()).flatMap(([, one]) => one.versions)
    for (const { digest } of gone) {
      const isNeeded = inFilters.has(digest) || named.some((one) => one.digest === digest)
      if (!isNeeded) await store.remove(digest)
    }
    return gone.map((one) => `${name}@${one.version}`)
  }

  /** The version on trial, when it is this module and this filter follows the name. */
  async trialOf(name: string, digest: string): Promise<Canary | null> {
    const found = (await this.#plugins.catalog.list()).find(([one]) => one === name)
    const canary = found?.[1].canary ?? null
    return canary?.digest === digest ? canary : null
  }

  async #try(
    name: string,
    { version, digest }: Pick<StoredVersion, 'version' | 'digest'>,
    { by, reason, trial }: Because & { readonly trial: TrialOptions },
    before: StoredPlugin,
  ): Promise<StoredOutcome> {
    parseSticky(trial.sticky)
    if (before.promoted === version) {
      throw new GatewayError('PLUGIN_CANARY', { reason: `${name}@${version} is promoted already` })
    }
    const { catalog, rollouts } = this.#plugins
    const at = new Date().toISOString()
    const canary: Canary = { digest, version, code: null, ...trial, at, by, reason }
    const share = `${reason} (${trial.percent}% of the clients)`
    const event = { action: 'canary', version, at, by, reason: share } as const
    await catalog.change(name, { canary, versions: withReason(before, version, null) }, event)
    const reloaded = await this.#reload(name, before)
    const failure = rollouts.find(name, digest)?.startFailure ?? null
    if (failure === null) {
      return this.#outcome(name, version, { isNew: false, percent: trial.percent, reloaded })
    }
    rollouts.end(name)
    await catalog.restore(name, before)
    await this.#filters.reload(name, new Set(reloaded), async () => undefined)
    throw new GatewayError('GUEST_REFUSED', { filter: `${name}@${version}`, reason: failure })
  }

  async #reload(name: string, before: StoredPlugin): Promise<readonly string[]> {
    const pipelines = this.#followers(name)
    await this.#filters.reload(name, new Set(pipelines), () =>
      this.#plugins.catalog.restore(name, before),
    )
    return pipelines
  }

  /** Pipelines in which the plugin is named without a version. */
  #followers(name: string): string[] {
    const followers = this.#filters.usersOf(name).filter(({ pin }) => pin === null)
    return [...new Set(followers.map(({ pipeline }) => pipeline))]
  }

  /** Why a version, or with null the plugin, cannot be removed. */
  #needs(name: string, plugin: StoredPlugin, version: string | null): string[] {
    const reasons: string[] = []
    for (const { pipeline, filter, pin } of this.#filters.usersOf(name)) {
      const isPinned = pin !== null && (version === null || pin === version)
      if (isPinned) reasons.push(`${pipeline}/${filter} is pinned to it`)
      const isFollowed = pin === null && (version === null || plugin.promoted === version)
      if (isFollowed) reasons.push(`${pipeline}/${filter} runs it`)
    }
    if (plugin.canary !== null && (version === null || plugin.canary.version === version)) {
      reasons.push('it is on trial')
    }
    const isLastResort = version === plugin.promoted && plugin.versions.length > 1
    if (isLastResort && reasons.length === 0) reasons.push('it is the promoted version')
    return reasons
  }

  #status(name: string, plugin: StoredPlugin): StoredPluginStatus {
    const { promoted, canary, history } = plugin
    const users = this.#filters.usersOf(name)
    const versions = plugin.versions.map((one): StoredVersionStatus => {
      const isPromoted = one.version === promoted
      const using = users.filter(({ pin }) => (pin === null ? isPromoted : pin === one.version))
      const keyOf = ({ pipeline, filter }: (typeof users)[number]): string =>
        `${pipeline}/${filter}`
      const pinned = using.filter(({ pin }) => pin !== null)
      return { ...one, isPromoted, usedBy: using.map(keyOf), pinnedBy: pinned.map(keyOf) }
    })
    const trial = canary === null ? null : this.#judge.status(name, canary)
    return { name, promoted, trial, versions, history }
  }

  async #outcome(name: string, version: string, done: Done): Promise<StoredOutcome> {
    const { promoted } = await this.#plugins.catalog.get(name)
    const { digest } = await this.#plugins.catalog.version({ name, version })
    return { name, version, digest, promoted, ...done }
  }
}

/** The versions, one of them with another reason for being rolled back. */
function withReason(
  { versions }: StoredPlugin,
  version: string,
  withdrawn: string | null,
): readonly StoredVersion[] {
  return versions.map((one) => (one.version === version ? { ...one, withdrawn } : one))
}

/** What was promoted before, is still there, and was not rolled back itself. */
function previousOf({ history, versions, promoted }: StoredPlugin): string | undefined {
  const event = history.findLast(({ action, version }) => {
    if (action !== 'promoted' && action !== 'rolled back') return false
    const stored = versions.find((one) => one.version === version)
    return version !== promoted && stored !== undefined && stored.withdrawn === null
  })
  return event?.version
}
