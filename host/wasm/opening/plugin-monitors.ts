import { systemClock } from '../../clock.ts'
import { PluginMonitor } from '../plugin-monitor.ts'
import type { PluginHooks } from './plugin-hooks.ts'

/** Versions whose counts are kept, beside those in use. */
const MONITORS_KEPT = 256

type MonitorNames = Pick<PluginMonitor, 'pipeline' | 'filter' | 'plugin' | 'version' | 'digest'>

/** One monitor for each filter and digest, kept over generations: a reload forgives nothing. */
export class PluginMonitors {
  readonly #hooks: PluginHooks
  /** Oldest first. */
  readonly #monitors = new Map<string, PluginMonitor>()

  constructor(hooks: PluginHooks) {
    this.#hooks = hooks
  }

  get all(): Iterable<PluginMonitor> {
    return this.#monitors.values()
  }

  /** The one there is, or a new one. */
  of(names: MonitorNames): PluginMonitor {
    const key = `${names.pipeline}/${names.filter} ${names.digest}`
    let monitor = this.#monitors.get(key)
    if (monitor === undefined) {
      monitor = new PluginMonitor(names, systemClock, (event) => this.#hooks.onSuspended(event))
      this.#monitors.set(key, monitor)
      this.#forget()
    }
    return monitor
  }

  /** Versions that nobody uses any more go, the oldest first, so that swaps do not add up. */
  #forget(): void {
    for (const [key, monitor] of this.#monitors) {
      if (this.#monitors.size <= MONITORS_KEPT) return
      if (monitor.executors.size === 0) this.#monitors.delete(key)
    }
  }
}
