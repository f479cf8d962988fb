import { setFlagsFromString } from 'node:v8'

/**
 * Trades a little speed at the start for resident memory, in all threads. To be called before anything else is
 * loaded. Measured on the built package as a plain proxy (bench/memory.ts):
 *
 * - The young generation keeps the size it begins with, 1 MiB a half. By itself it grows to 16 MiB and more while
 *   the program loads and in the first seconds of traffic, and never shrinks again: 50 MB that hold garbage. Who
 *   gives Node a size of his own (`--max-semi-space-size`, also in NODE_OPTIONS) keeps it.
 * - Code is compiled for speed once, not twice: no Maglev before Turbofan. 9 MB, for 0.3 s of CPU until the first
 *   6,000 requests are over; after that it costs nothing that can be measured.
 */
export function holdFootprint(): void {
  const given = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  if (!/semi[-_]space/.test(given)) setFlagsFromString('--semi-space-growth-factor=1')
  if (!/maglev/.test(given)) setFlagsFromString('--no-maglev')
}

/** What V8 does by itself: for commands that compute a lot and end. */
export function releaseFootprint(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
  setFlagsFromString('--maglev')
}
