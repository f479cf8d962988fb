import type { Logger } from '../observe/log.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { Suspension } from '../wasm/plugin-monitor.ts'
import type { RunningRollout } from '../wasm/rollout/rollouts.ts'
import type { PluginControl } from './plugin-control.ts'
import type { PluginFilters } from './plugin-filters.ts'
import type { StoredPluginControl } from './stored-plugin-control.ts'
import type { TrialJudge } from './trial-status.ts'

/** A version that fails within this time after it came is taken back by itself. */
export const ROLLBACK_WINDOW_MS = 10 * 60_000

export interface RolloutParts {
  readonly filters: PluginFilters
  readonly plugins: PluginHost
  readonly inFilters: PluginControl
  readonly stored: StoredPluginControl
  readonly judge: TrialJudge
  readonly log: Logger
}

/** What happens to versions without anybody asking: trials end or are promoted, new versions that fail go. */
export class RolloutControl {
  readonly #parts: RolloutParts

  constructor(parts: RolloutParts) {
    this.#parts = parts
  }

  /** Is there any trial to be judged? */
  get isBusy(): boolean {
    return this.#parts.plugins.rollouts.running.length > 0
  }

  /** Judges every trial once, and does what follows. Never fails. */
  async judge(): Promise<void> {
    const { plugins, judge } = this.#parts
    for (const rollout of plugins.rollouts.running) {
      const { meter } = rollout
      if (meter.users === 0 && meter.startFailure === null) continue
      const verdict = judge.judge(meter)
      if (verdict.kind === 'bad') {
        meter.isStopped = true
        await this.#takeBack(rollout, verdict.reason)
      }
      if (verdict.kind === 'holding') await this.#promoteWhenDue(rollout, verdict.heldMs)
    }
  }

  /** A version failed too often: a trial ends, and one that came a short while ago is taken back. */
  async failing({ pipeline, filter, digest, reason, count }: Suspension): Promise<void> {
    const { filters, plugins, inFilters, log } = this.#parts
    const key = `${pipeline}/${filter}`
    const because = `failed too often: ${reason}`
    const trial = plugins.rollouts.running.find(
      (one) => one.digest === digest && this.#concerns(one, pipeline, filter),
    )
    if (trial !== undefined) return await this.#takeBack(trial, `it ${because}`)
    const history = await plugins.store.history(key)
    const newest = history.at(-1)
    const isNew =
      newest?.digest === digest && Date.now() - Date.parse(newest.at) < ROLLBACK_WINDOW_MS
    if (count > 1 || !isNew || filters.digest(pipeline, filter) !== digest) {
      log.error({ filter: key, digest }, `${key} is left alone for a while: it ${because}`)
      return
    }
    try {
      const outcome = await inFilters.rollback(pipeline, filter, { by: 'gateway', reason: because })
      log.error(
        { filter: key, from: digest, to: outcome.digest },
        `${key} was rolled back: its new version ${because}`,
      )
    } catch (error) {
      log.error({ err: error, filter: key }, `${key} ${because}; it cannot be rolled back`)
    }
  }

  async #takeBack({ subject, digest }: RunningRollout, reason: string): Promise<void> {
    const { inFilters, stored, log } = this.#parts
    const because = { by: 'gateway', reason }
    try {
      const place = placeOf(subject)
      if (place === null) await stored.rollback(subject, because)
      else await inFilters.endTrial(place.pipeline, place.filter, because)
      log.error({ subject, digest }, `the trial of ${subject} was rolled back: ${reason}`)
    } catch (error) {
      // Nothing goes to the version any more; what is left is the record of it, and that is tried again.
      log.error({ err: error, subject, digest }, `the trial of ${subject} cannot be taken back`)
    }
  }

  async #promoteWhenDue({ subject, digest }: RunningRollout, heldMs: number): Promise<void> {
    const { inFilters, stored, log } = this.#parts
    const place = placeOf(subject)
    const canary =
      place === null
        ? await stored.trialOf(subject, digest)
        : await inFilters.trialIn(place.pipeline, place.filter)
    const { promoteAfterMs = null } = canary ?? {}
    if (promoteAfterMs === null || heldMs < promoteAfterMs) return
    const reason = `its gates held for ${Math.round(heldMs / 1_000)} s`
    const options = { by: 'gateway', reason }
    try {
      if (place === null) {
        await stored.promote(subject, { ...options, version: null, trial: null })
      } else {
        await inFilters.promote(place.pipeline, place.filter, { ...options, percent: null })
      }
      log.info({ subject, digest }, `the trial of ${subject} was promoted: ${reason}`)
    } catch (error) {
      log.error({ err: error, subject, digest }, `the trial of ${subject} cannot be promoted`)
    }
  }

  #concerns({ subject }: RunningRollout, pipeline: string, filter: string): boolean {
    if (subject === `${pipeline}/${filter}`) return true
    const users = this.#parts.filters.usersOf(subject)
    return users.some((user) => user.pipeline === pipeline && user.filter === filter)
  }
}

/** Null for the name of a plugin, which has no slash. */
function placeOf(subject: string): { pipeline: string; filter: string } | null {
  const slash = subject.indexOf('/')
  if (slash < 0) return null
  return { pipeline: subject.slice(0, slash), filter: subject.slice(slash + 1) }
}
