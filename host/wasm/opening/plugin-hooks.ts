import type { HostCall } from '../host-call.ts'
import type { Suspension } from '../plugin-monitor.ts'

/** A line of a plugin's log and what it belongs to. */
export interface GuestLogLine {
  readonly requestId: string
  readonly pipeline: string
  readonly filter: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
}

/**
 * What plugins need of the parts above them, and what those want to hear. The composition root sets it before
 * the first plugin is opened; until then there is nobody above.
 */
export class PluginHooks {
  /** Functions of the embedding program, by name. */
  functions: ReadonlyMap<string, HostCall> = new Map()
  /** Is this one of our own listeners? The address is plain, of this machine or another. */
  isOwnListener: (address: string, port: number) => boolean = () => false
  /**
   * In development: leads from a module's file to that of its debug build, on which failed calls run again
   * to be explained.
   */
  debugBuildOf: ((file: string) => Promise<string | null>) | null = null
  /** Hears of every line a plugin logs for a request, whatever the log's level. */
  onGuestLog: ((line: GuestLogLine) => void) | null = null
  /** Hears of a version that failed too often. */
  onSuspended: (suspension: Suspension) => void = () => undefined
}
