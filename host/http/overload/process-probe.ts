import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { OVERLOAD_TICK_MS, type OverloadProbe, type OverloadSample } from './overload.ts'

/** Measurements of which the middle one counts: one pause, however long, is no overload. */
const WINDOW = 10

/**
 * Measures this process. The delay is how much later than asked for the caller's own timer runs: that costs
 * nothing, where a histogram of the event loop wakes it a hundred times a second.
 */
export class ProcessProbe implements OverloadProbe {
  readonly #delays: number[] = new Array(WINDOW).fill(0)
  readonly #memoryLimit = memoryLimit()
  #next = 0
  #lastMs = -1

  sample(nowMs: number): OverloadSample {
    const late = this.#lastMs < 0 ? 0 : nowMs - this.#lastMs - OVERLOAD_TICK_MS
    this.#lastMs = nowMs
    this.#delays[this.#next] = Math.max(late, 0)
    this.#next = (this.#next + 1) % WINDOW
    const delays = this.#delays.toSorted((a, b) => a - b)
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    const ofContainer = this.#memoryLimit === 0 ? 0 : process.memoryUsage.rss() / this.#memoryLimit
    return {
      loopDelayMs: delays[WINDOW >> 1] ?? 0,
      memoryRatio: Math.max(used / limit, ofContainer),
    }
  }
}

/** Bytes the container allows; 0 when it allows all there is. */
function memoryLimit(): number {
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : 0
}
