import { monotonicMs } from '../../clock.ts'
import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import { LogRate } from '../log-rate.ts'
import type { CallerNames } from '../outbound/call-desk.ts'
import type { Denials } from '../outbound/guest-services.ts'
import type { PluginMonitor } from '../plugin-monitor.ts'
import type { LogMessage } from '../worker/protocol.ts'
import type { PluginHooks } from './plugin-hooks.ts'

/** Who a report is from, and where it goes. */
export interface ReportTarget extends CallerNames {
  readonly log: Logger
  readonly monitor: PluginMonitor
  /** Values that must not stand in a line. */
  readonly secrets: Iterable<string>
}

/** How often the log names a capability that a filter is denied. */
const DENIAL_LOG_MS = 10_000

/** A shorter secret is none, and would take words out of lines that have nothing to do with it. */
const REDACTED_LENGTH = 6

/** By the number a guest gives. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const NOBODY: CallerNames = { plugin: '', pipeline: '', filter: '' }

interface Entry {
  readonly target: ReportTarget
  readonly rate: LogRate
  readonly secrets: readonly string[]
  /** Capabilities whose denial is in the log, with when. */
  readonly deniedAtMs: Map<string, number>
}

/**
 * What guests say and what they are denied, on its way to the log and the counts. A report names the setup
 * it is from; one from a setup that has been closed is dropped.
 */
export class GuestReports {
  readonly #hooks: PluginHooks
  readonly #entries = new Map<number, Entry>()

  constructor(hooks: PluginHooks) {
    this.#hooks = hooks
  }

  add(setupId: number, target: ReportTarget): void {
    const secrets = [...target.secrets].filter((value) => value.length >= REDACTED_LENGTH)
    this.#entries.set(setupId, { target, rate: new LogRate(), secrets, deniedAtMs: new Map() })
  }

  remove(setupId: number): void {
    this.#entries.delete(setupId)
  }

  namesOf(setupId: number): CallerNames {
    const { plugin, pipeline, filter } = this.#entries.get(setupId)?.target ?? NOBODY
    return { plugin, pipeline, filter }
  }

  /** A line of a guest. */
  readonly logged = (message: LogMessage): void => {
    const entry = this.#entries.get(message.setupId)
    if (entry === undefined) return
    const text = withoutSecrets(message.message, entry.secrets)
    const { requestId } = message
    const { log, pipeline, filter } = entry.target
    entry.rate.pass(message.level, text, (number, line) => {
      const level = LEVELS[number] ?? 'error'
      log[level](requestId === '' ? {} : { requestId }, line)
      if (this.#hooks.onGuestLog === null || requestId === '') return
      this.#hooks.onGuestLog({ requestId, pipeline, filter, level, text: line })
    })
  }

  /** Every denial is counted; each capability is in the log once in a while. */
  denied(setupId: number, denials: Denials, requestId: string): void {
    const entry = this.#entries.get(setupId)
    if (entry === undefined) return
    const { monitor, log, plugin } = entry.target
    for (const [capability, count] of denials) {
      // A label for each header that guests think of would have no end.
      const label = capability.split(' ')[0] ?? capability
      monitor.denials.set(label, (monitor.denials.get(label) ?? 0) + count)
      const nowMs = monotonicMs()
      const lastMs = entry.deniedAtMs.get(label) ?? Number.NEGATIVE_INFINITY
      if (nowMs - lastMs < DENIAL_LOG_MS) continue
      entry.deniedAtMs.set(label, nowMs)
      log.warn({ requestId, denied: capability }, `${plugin} was denied ${capability}`)
    }
  }

  /** A function of the embedding program has thrown. */
  functionFailed(setupId: number, name: string, error: unknown): void {
    const log = this.#entries.get(setupId)?.target.log
    log?.error(
      { err: error, function: name },
      `the host function ${name} failed: ${reasonOf(error)}`,
    )
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, '[secret]')
  return clean
}
