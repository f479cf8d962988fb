import { GUEST_LIMITS } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import type { EasegressCall } from './easegress.ts'
import { easegressDataImports } from './easegress-data-calls.ts'
import type { EasegressMemory } from './easegress-memory.ts'
import { easegressRequestImports } from './easegress-request-calls.ts'
import { easegressResponseImports } from './easegress-response-calls.ts'
import { LogBudget } from './log-budget.ts'

/** The 50 host calls of module `easegress` for one instance. */
export function easegressImports(
  env: GuestEnv,
  values: EasegressMemory,
): WebAssembly.ModuleImports & Record<EasegressCall, (...args: never[]) => unknown> {
  const { call } = env
  const lines = new LogBudget(call)
  return {
    ...easegressRequestImports(env, values),
    ...easegressResponseImports(env, values),
    ...easegressDataImports(env, values),

    host_add_tag(pointer: number): void {
      // As with the log: what is past the limits is left out, not a reason to fail.
      call.tag(values.stringStart(pointer, GUEST_LIMITS.tagBytes))
    },

    host_log(level: number, pointer: number): void {
      if (!lines.take()) return
      const message = values.stringStart(pointer, GUEST_LIMITS.logBytes)
      env.log(level, Buffer.from(message).toString('utf8'))
    },

    host_get_unix_time_in_ms: () => BigInt(Math.trunc(env.wallMs())),
    host_rand: Math.random,
  }
}
