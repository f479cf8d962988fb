/** A certificate is not renewed before this share of its life is over, whatever `renewBefore` says: some live a day. */
export const MIN_AGE_SHARE = 1 / 2

/** Renewals are spread over this time, so that many gateways do not come at once; at most a tenth of what is left. */
export const RENEW_SPREAD_MS = 3_600_000

/** After a first failure of one kind of check, another kind is tried after this time. */
export const OTHER_KIND_MS = 10_000

/**
 * Time until the first repetition; each further one takes twice as long. Let's Encrypt takes five failures of a
 * name in an hour: with both kinds there are four in the first hour, at 0 s, 10 s, 10 min and 30 min.
 */
export const FIRST_RETRY_MS = 600_000

/** A repetition is never further away, unless the authority asks for it. */
export const MAX_RETRY_MS = 6 * 3_600_000

/** An authority that wants to be left alone for longer is asked again after this time. */
export const MAX_RETRY_AFTER_MS = 24 * 3_600_000

/** Times between repetitions get up to this share longer. */
export const RETRY_JITTER = 0.25

/** When a certificate that is valid from `fromMs` to `untilMs` is renewed; `random` is in [0, 1). */
export function renewAtMs(
  fromMs: number,
  untilMs: number,
  renewBeforeMs: number,
  random: number,
): number {
  const beforeMs = Math.min(renewBeforeMs, (untilMs - fromMs) * (1 - MIN_AGE_SHARE))
  return untilMs - beforeMs + Math.min(RENEW_SPREAD_MS, beforeMs / 10) * random
}

/**
 * How long to wait after the `failures`-th failure in a row of a domain that can be checked in `kinds` ways.
 * `random` is in [0, 1).
 */
export function retryDelayMs(
  failures: number,
  kinds: number,
  retryAfterMs: number | null,
  random: number,
): number {
  const repetition = failures - kinds
  const delayMs =
    repetition < 0 ? OTHER_KIND_MS : Math.min(FIRST_RETRY_MS * 2 ** repetition, MAX_RETRY_MS)
  const askedMs = Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return Math.max(delayMs, askedMs) * (1 + RETRY_JITTER * random)
}
