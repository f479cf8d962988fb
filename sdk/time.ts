import { now as hostNow } from './penstock_v1.ts'

/**
 * Milliseconds since 1970.
 *
 *     const startedAt = now()
 */
export function now(): i64 {
  return <i64>hostNow()
}
