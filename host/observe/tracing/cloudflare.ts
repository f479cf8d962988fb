import type { TraceFields } from './propagation.ts'

/** A request that came through Cloudflare, and when that sent it. */
export interface CloudflareRequest {
  readonly ray: string
  /** Milliseconds since 1970. */
  readonly sentAtMs: number
}

/** Older times are not believed: anybody can write these fields. */
const MAX_AGE_MS = 60_000

/**
 * What Cloudflare says about a request: `CF-Ray`, and the time in two fields that Easegress's users let it
 * add, `X-TS-Sec` and `X-TS-Msec`. Null when one of them is missing or the time cannot be.
 */
export function readCloudflare(fields: TraceFields, nowMs: number): CloudflareRequest | null {
  const ray = fields.get('cf-ray')
  const seconds = fields.get('x-ts-sec')
  const ms = fields.get('x-ts-msec')
  if (ray === undefined || seconds === undefined || ms === undefined) return null
  if (!/^\d{1,12}$/.test(seconds) || !/^\d{1,3}$/.test(ms)) return null
  const sentAtMs = Number(seconds) * 1_000 + Number(ms)
  return sentAtMs > nowMs || sentAtMs < nowMs - MAX_AGE_MS ? null : { ray, sentAtMs }
}
