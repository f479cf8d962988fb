import { randomBytes } from 'node:crypto'
import { monotonicMs } from '../../clock.ts'
import type { GuestMemory } from '../guest-memory.ts'
import { GUEST_LIMITS } from '../limits.ts'
import { WASI_PREVIEW1 } from './wasi-preview1.ts'

/** Raised by `proc_exit`: nothing of the guest may run after it. */
export class GuestExit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`the guest ended itself with code ${code}`)
    this.name = 'GuestExit'
    this.code = code
  }
}

const SUCCESS = 0
const EBADF = 8
const EINVAL = 28
const ENOSYS = 52

const STDOUT = 1
const STDERR = 2
const CLOCK_REALTIME = 0
const CLOCK_MONOTONIC = 1
/** `filetype` of a character device, as standard output and error are. */
const CHARACTER_DEVICE = 2
const MAX_VECTORS = 64
const MAX_RANDOM_BYTES = 64 * 1024

export interface WasiEnv {
  readonly memory: GuestMemory
  readonly wallMs: () => number
  log(level: number, message: string): void
}

/**
 * WASI preview 1 for guests that have no files, no network, no arguments and no environment: clocks,
 * random bytes, and standard output and error, which are lines of the log.
 */
export function wasiImports({ memory, wallMs, log }: WasiEnv): WebAssembly.ModuleImports {
  const pending = ['', '', '']

  /** Both counts are 0: there are no arguments and no variables. */
  const noneGet = (): number => SUCCESS
  const noneSizes = (count: number, size: number): number => {
    memory.putUint32(0, count)
    memory.putUint32(0, size)
    return SUCCESS
  }
  const isStandard = (fd: number): boolean => fd === STDOUT || fd === STDERR

  const implemented: WebAssembly.ModuleImports & {
    readonly [name in keyof typeof WASI_PREVIEW1]?: unknown
  } = {
    args_get: noneGet,
    args_sizes_get: noneSizes,
    environ_get: noneGet,
    environ_sizes_get: noneSizes,

    clock_res_get(clock: number, out: number): number {
      if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return EINVAL
      memory.putInt64(1_000_000n, out)
      return SUCCESS
    },

    clock_time_get(clock: number, _precision: bigint, out: number): number {
      if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return EINVAL
      const ms = clock === CLOCK_REALTIME ? wallMs() : monotonicMs()
      // Whole milliseconds, as for every guest: a fine clock is half of a timing attack (case X41).
      memory.putInt64(BigInt(Math.trunc(ms)) * 1_000_000n, out)
      return SUCCESS
    },

    fd_write(fd: number, vectors: number, count: number, written: number): number {
      if (!isStandard(fd)) return EBADF
      if (count >>> 0 > MAX_VECTORS) return EINVAL
      let text = ''
      let total = 0
      for (let i = 0; i < count; i++) {
        const length = memory.uint32(vectors + i * 8 + 4)
        const room = Math.max(0, GUEST_LIMITS.logBytes - total)
        text += memory.utf8(memory.uint32(vectors + i * 8), Math.min(length, room))
        total += length
      }
      const lines = (pending[fd] + text).split('\n')
      pending[fd] = (lines.pop() ?? '').slice(0, GUEST_LIMITS.logBytes)
      for (const line of lines) log(fd === STDOUT ? 1 : 3, line)
      memory.putUint32(total, written)
      return SUCCESS
    },

    fd_fdstat_get(fd: number, out: number): number {
      if (!isStandard(fd)) return EBADF
      memory.putBytes(new Uint8Array(24), out)
      memory.putBytes(Uint8Array.of(CHARACTER_DEVICE), out)
      return SUCCESS
    },

    fd_close: (fd: number): number => (isStandard(fd) ? SUCCESS : EBADF),
    fd_read: (): number => EBADF,
    fd_seek: (): number => EBADF,
    // "No folder of that number" is how a program finds out that it has none.
    fd_prestat_get: (): number => EBADF,
    fd_prestat_dir_name: (): number => EBADF,

    random_get(out: number, length: number): number {
      if (length >>> 0 > MAX_RANDOM_BYTES) return EINVAL
      memory.putBytes(randomBytes(length), out)
      return SUCCESS
    },

    sched_yield: (): number => SUCCESS,

    proc_exit(code: number): never {
      throw new GuestExit(code)
    },
  }
  const imports: WebAssembly.ModuleImports = {}
  for (const name of Object.keys(WASI_PREVIEW1)) {
    imports[name] = implemented[name] ?? ((): number => ENOSYS)
  }
  return imports
}
