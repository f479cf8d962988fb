import { NO_DATA } from '../data/data-operation.ts'
import type { DataStore } from '../data/data-store.ts'
import type { Executor, PluginSetup } from '../executor.ts'
import { InlineExecutor } from '../inline-executor.ts'
import { HOST_SEAMS } from '../instance.ts'
import type { PluginRequest } from '../open-plugin.ts'
import { CallDesk } from '../outbound/call-desk.ts'
import type { GuestServices } from '../outbound/guest-services.ts'
import type { PluginMonitor } from '../plugin-monitor.ts'
import { WaitingInlineExecutor } from '../waiting-inline-executor.ts'
import { ThreadPool } from '../worker/thread-pool.ts'
import { WorkerExecutor } from '../worker/worker-executor.ts'
import type { GuestReports } from './guest-reports.ts'
import type { PluginHooks } from './plugin-hooks.ts'

/** What executors stand on. */
export interface ExecutorParts {
  /** Threads of the trust domain. */
  readonly threads: number
  readonly data: DataStore
  /** How long a guest in a thread waits for an operation on key-value data. */
  readonly dataWaitMs: number
  readonly reports: GuestReports
  readonly hooks: PluginHooks
}

/**
 * Makes executors, and owns what they share: the threads of the trust domain, of which there is one today,
 * and the desk that makes calls for guests. Both are there from the first plugin that needs them.
 */
export class PluginExecutors {
  readonly #parts: ExecutorParts
  #pool: ThreadPool | null = null
  #desk: CallDesk | null = null

  constructor(parts: ExecutorParts) {
    this.#parts = parts
  }

  /** Threads a setup can have instances in. */
  get threads(): number {
    return this.#parts.threads
  }

  status(): { readonly threads: number; readonly replacedThreads: number } {
    return { threads: this.#pool?.size ?? 0, replacedThreads: this.#pool?.replaced ?? 0 }
  }

  /** Not started yet. `monitor` says whether a call that has waited may still run. */
  make(setup: PluginSetup, request: PluginRequest, monitor: PluginMonitor): Executor {
    return request.isolation === 'inline'
      ? this.#inline(setup, request)
      : this.#worker(setup, request, monitor)
  }

  async close(): Promise<void> {
    // First: a guest that waits for an answer has one then, and a thread that waits for it can end.
    await this.#desk?.close()
    await this.#pool?.close()
    this.#pool = null
  }

  #worker(setup: PluginSetup, request: PluginRequest, monitor: PluginMonitor): Executor {
    const { threads, data, dataWaitMs, reports } = this.#parts
    this.#pool ??= new ThreadPool(threads, reports.logged, data, dataWaitMs, this.#services())
    const { timeoutMs, queueTimeoutMs, queueLength, maxConcurrency } = request
    const refusal = (): ReturnType<PluginMonitor['suspension']> => monitor.suspension()
    const options = { timeoutMs, queueTimeoutMs, queueLength, maxConcurrency, refusal }
    return new WorkerExecutor(setup, this.#pool, options)
  }

  #inline(setup: PluginSetup, request: PluginRequest): Executor {
    const { reports, data } = this.#parts
    const log = (level: number, message: string, requestId: string): void =>
      reports.logged({ type: 'guest-log', setupId: setup.id, level, message, requestId })
    const port = setup.data === null ? NO_DATA : data.port(setup.data)
    return setup.canWait === true
      ? new WaitingInlineExecutor(setup, request, log, port, HOST_SEAMS, this.#services())
      : new InlineExecutor(setup, log, port, HOST_SEAMS, this.#services())
  }

  #services(): GuestServices {
    const { reports, hooks } = this.#parts
    this.#desk ??= new CallDesk({
      functions: hooks.functions,
      namesOf: (setupId) => reports.namesOf(setupId),
      isOwnListener: (address, port) => hooks.isOwnListener(address, port),
      onDenied: (setup, what, requestId) => reports.denied(setup.id, [[what, 1]], requestId),
      onFunctionFailed: (setup, name, error) => reports.functionFailed(setup.id, name, error),
    })
    return { calls: this.#desk, denied: (...parts) => reports.denied(...parts) }
  }
}
