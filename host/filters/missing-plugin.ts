import type { Filter, MissingPart } from './filter.ts'

export interface MissingPluginOptions {
  /** What the configuration names. */
  readonly name: string
  /** Why it cannot be loaded. */
  readonly reason: string
  readonly isRequired: boolean
  /** Results that go on like no result, by `failPolicy`. */
  readonly passes: ReadonlySet<string> | null
}

/**
 * Stands in for a plugin that could not be loaded when the gateway started: every request is one on which the
 * plugin failed, and `jumpIf` and `failPolicy` say what becomes of it. It is tried again until it loads.
 */
export function missingPlugin({ name, reason, isRequired, passes }: MissingPluginOptions): Filter {
  const missing: MissingPart = { reason, isRequired }
  let calls = 0
  return {
    missing,
    ...(passes === null ? {} : { passes }),
    handle: () => {
      calls += 1
      return 'wasmError'
    },
    status: () => ({
      plugin: name,
      version: null,
      digest: '',
      origin: 'missing',
      health: reason,
      numOfRequest: calls,
      numOfWasmError: calls,
    }),
  }
}
