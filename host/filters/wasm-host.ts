import { duration, z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { ENGINE_MEMORY_PAGES } from '../wasm/engine-limits.ts'
import { WASM_DEFAULTS } from '../wasm/limits.ts'
import { DEFAULT_MODULE_LIMITS } from '../wasm/module/module-limits.ts'
import { defineFilter, type Filter } from './filter.ts'
import { WasmFilter } from './wasm-filter.ts'

/** The inside of a filter, for the one that comes after it. */
const running = new WeakMap<Filter, WasmFilter>()

/** What `failPolicy` decides about. */
const FAILURES: ReadonlySet<string> = new Set(['wasmError', 'outOfVM'])

/** What the host itself gives, and Easegress's names for the numbers its guests return. */
const RESULTS: readonly string[] = [
  'wasmError',
  'outOfVM',
  'replied',
  'wasmResult1',
  'wasmResult2',
  'wasmResult3',
  'wasmResult4',
  'wasmResult5',
  'wasmResult6',
  'wasmResult7',
  'wasmResult8',
  'wasmResult9',
]

/** Runs a plugin: WebAssembly that reads and changes requests and responses. */
export const wasmHost = defineFilter({
  kind: 'WasmHost',
  description:
    'Runs a plugin, a WebAssembly module, on requests and responses, in a thread of its own.',
  results: RESULTS,
  // A module names results of its own; they are checked when it is loaded.
  hasOpenResults: true,
  spec: z.strictObject({
    code: z
      .string()
      .min(1)
      .describe('The module: a path, relative to the file this stands in, or base64.'),
    maxConcurrency: z
      .int()
      .min(1)
      .max(1_000)
      .default(WASM_DEFAULTS.maxConcurrency)
      .describe('Live instances at most; 1 means exactly one, on one thread.'),
    timeout: duration()
      .prefault('100ms')
      .describe('Running time of one call of the guest, without queueing.'),
    queueTimeout: duration()
      .prefault('1s')
      .describe('Time a request may wait for a thread; past it the result is outOfVM.'),
    isolation: z
      .enum(['worker', 'inline'])
      .default('worker')
      .describe(
        'Where it runs: in a thread, or in the event loop, where nothing but its fuel can end it.',
      ),
    reset: z
      .enum(['never', 'request'])
      .default('never')
      .describe('`request`: every call finds the memory as it was after the start of the plugin.'),
    fuel: z
      .int()
      .min(1_000)
      .max(1_000_000_000_000)
      .optional()
      .describe(
        'Instructions of one call at most. Default 200,000,000; 20,000,000 with `isolation: inline`.',
      ),
    memoryPages: z
      .int()
      .min(1)
      .max(ENGINE_MEMORY_PAGES)
      .default(DEFAULT_MODULE_LIMITS.memoryPages)
      .describe('Pages of 64 KiB the memory of one instance may have.'),
    failPolicy: z
      .enum(['closed', 'open'])
      .default('closed')
      .describe(
        'When the plugin fails and no jumpIf says otherwise: the request fails, or goes on without it.',
      ),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
      .default({})
      .describe('What the plugin is configured with; its description says which there are.'),
  }),
  async create(spec, env, previous) {
    const plugin = await env.plugins.open({
      pipeline: env.pipeline,
      filter: env.filter,
      code: spec.code,
      baseDir: env.baseDir,
      parameters: spec.parameters,
      timeoutMs: spec.timeout,
      queueTimeoutMs: spec.queueTimeout,
      queueLength: WASM_DEFAULTS.queueLength,
      maxConcurrency: spec.maxConcurrency,
      isolation: spec.isolation,
      reset: spec.reset,
      fuel: spec.fuel ?? null,
      memoryPages: spec.memoryPages,
      log: env.log,
    })
    const isOpen = spec.failPolicy === 'open'
    const filter = new WasmFilter(plugin, env.log, env.filter, isOpen)
    const former = previous === undefined ? undefined : running.get(previous)
    if (former !== undefined) filter.fallBackTo(former)
    const made: Filter = {
      ...(isOpen ? { passes: FAILURES } : {}),
      resultNames: plugin.description.results,
      files: plugin.file === null ? [] : [plugin.file],
      handle: (scope: MessageScope) => filter.handle(scope),
      status: () => filter.status(),
      close: () => filter.close(),
    }
    running.set(made, filter)
    return made
  },
})
