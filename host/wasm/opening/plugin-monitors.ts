import { systemClock } from '../../clock.ts'
import { PluginMonitor } from '../plugin-monitor.ts'
import type { PluginHooks } from './plugin-hooks.ts'

/** Versions whose counts are kept, beside those in use. */
export const MONITORS_KEPT = 256

type MonitorNames = Pick<PluginMonitor, 'pipeline' | 'filter' | 'plugin' | 'version' | 'digest'>

/** One monitor for each filter and digest, kept over generations: a reload forgives nothing. */
export class PluginMonitors {
  readonly #hooks: PluginHooks
  /** The one that was asked for longest ago first. */
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
    const monitor = this.#monitors.get(key) ?? this.#make(names)
    this.#monitors.delete(key)
    this.#forget()
    this.#monitors.set(key, monitor)
    return monitor
  }

  #make(names: MonitorNames): PluginMonitor {
    return new PluginMonitor(names, systemClock, (event) => this.#hooks.onSuspended(event))
  }

  /** Versions that nobody uses any more go, the oldest first, so that swaps do not add up. */
  #forget(): void {
    if (this.#monitors.size < MONITORS_KEPT) return
    const idle = [...this.#monitors].filter(([, { executors }]) => executors.size === 0)
    for (const [key] of idle.slice(0, 1 - MONITORS_KEPT)) this.#monitors.delete(key)
  }
}
