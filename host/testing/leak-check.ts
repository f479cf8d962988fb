import { GatewayError } from '../errors.ts'
import type { FilterRequest, TestFilter } from './test-filter.ts'

/** Requests that fill caches and reach every path before memory is looked at. */
export const LEAK_WARM_UP_REQUESTS = 200
export const LEAK_CHECK_REQUESTS = 1_000

/** Growth per request from which it is a leak: less is a table that still fills. */
export const LEAK_BYTES_PER_REQUEST = 1

export interface LeakCheckOptions {
  /** Default 1,000. */
  readonly requests?: number
  /** Default 200. */
  readonly warmUp?: number
}

export interface LeakReport {
  readonly isLeaking: boolean
  readonly requests: number
  /** In use after the warm-up and at the end: objects after a collection, or memory without the SDK. */
  readonly warmBytes: number
  readonly endBytes: number
  /** Growth over the second half; negative when less is in use. */
  readonly bytesPerRequest: number
  /** The guest's whole memory at the end. */
  readonly memoryBytes: number
}

/**
 * Compares what a guest has in use after its warm-up, in the middle and at the end. A leak is growth in
 * both halves: a cache that fills up grows in the first alone.
 */
export async function checkForLeaks(
  filter: TestFilter,
  make: (index: number) => FilterRequest,
  { requests = LEAK_CHECK_REQUESTS, warmUp = LEAK_WARM_UP_REQUESTS }: LeakCheckOptions,
): Promise<LeakReport> {
  const half = Math.max(1, Math.floor(requests / 2))
  let count = 0
  const serve = async (until: number): Promise<number> => {
    for (; count < until; count++) {
      const { error } = await filter.request(make(count))
      // A guest that traps gets a new memory: there would be nothing to compare.
      if (error !== null) throw new GatewayError('TESTING_REQUEST_FAILED', { count, reason: error })
    }
    return filter.liveBytes() ?? filter.memoryBytes
  }
  const warmBytes = await serve(Math.max(1, warmUp))
  const middleBytes = await serve(count + half)
  const endBytes = await serve(count + half)
  const bytesPerRequest = (endBytes - middleBytes) / half
  const isLeaking =
    bytesPerRequest >= LEAK_BYTES_PER_REQUEST &&
    (middleBytes - warmBytes) / half >= LEAK_BYTES_PER_REQUEST
  const { memoryBytes } = filter
  return { isLeaking, requests: half * 2, warmBytes, endBytes, bytesPerRequest, memoryBytes }
}
