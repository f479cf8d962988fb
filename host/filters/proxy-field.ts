import { duration, z } from '../config/schema.ts'

/** A duration that is not shorter than `ms`. */
export function atLeast(ms: number) {
  return duration().refine((value) => value >= ms, `takes at least ${ms}ms`)
}

/** A status of an answer. */
export function statusCode() {
  return z.int().min(100).max(599)
}
