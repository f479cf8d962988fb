import { parseDuration } from '../config/schema.ts'
import type { TrialOptions } from '../control/plugin-shapes.ts'
import { GatewayError } from '../errors.ts'
import { DEFAULT_STICKY, parsePercent, parseSticky } from '../wasm/rollout/sticky.ts'

/** The least time gates can be asked to hold. */
const MIN_PROMOTE_AFTER_MS = 1_000

/**
 * `canary`, `sticky` and `promoteAfter` of a query or a body; null when no trial is asked for. PLUGIN_CANARY
 * says what is wrong with them.
 */
export function trialOptions(read: (name: string) => string | null): TrialOptions | null {
  const [canary, sticky, promoteAfter] = [read('canary'), read('sticky'), read('promoteAfter')]
  if (canary === null) {
    if (sticky === null && promoteAfter === null) return null
    throw wrong('sticky and promoteAfter are for a trial: give canary too, for instance 5%')
  }
  parseSticky(sticky ?? DEFAULT_STICKY)
  return {
    percent: parsePercent(canary),
    sticky: sticky ?? DEFAULT_STICKY,
    promoteAfterMs: promoteAfter === null ? null : promoteAfterMs(promoteAfter),
  }
}

function promoteAfterMs(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms >= MIN_PROMOTE_AFTER_MS) return ms
  throw wrong(`"${text}" is no time after which to promote; it is 1s or more, for instance 10m`)
}

function wrong(reason: string): GatewayError {
  return new GatewayError('PLUGIN_CANARY', { reason })
}
