import { setFlagsFromString } from 'node:v8'

/** Pages of 64 KiB that V8 lets any memory of the process have: the net behind the gate's own limit. */
export const ENGINE_MEMORY_PAGES = 4_096
/** Elements that V8 lets any table of the process have. A table without an end aborts the whole process. */
export const ENGINE_TABLE_ELEMENTS = 1_000_000

let isDone = false

/** Sets V8's own caps, once, before the first module is compiled. They hold for every thread. */
export function limitEngine(): void {
  if (isDone) return
  isDone = true
  setFlagsFromString(`--wasm-max-mem-pages=${ENGINE_MEMORY_PAGES}`)
  setFlagsFromString(`--wasm-max-table-size=${ENGINE_TABLE_ELEMENTS}`)
}
