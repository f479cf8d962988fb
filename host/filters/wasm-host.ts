import { choice, duration, wants, z } from '../config/schema.ts'
import { isGatewayError, reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { ENGINE_MEMORY_PAGES } from '../wasm/engine-limits.ts'
import { ISOLATIONS } from '../wasm/executor.ts'
import { grantSpec } from '../wasm/grant/grant-spec.ts'
import { jwtKeysSpec } from '../wasm/jwt/jwt-keys-spec.ts'
import { GUEST_LIMITS, WASM_DEFAULTS } from '../wasm/limits.ts'
import { DEFAULT_MODULE_LIMITS } from '../wasm/module/module-limits.ts'
import type { OpenPlugin, OpenTrial, OpenVersions } from '../wasm/open-plugin.ts'
import { parsePluginId } from '../wasm/plugin-reference.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { missingPlugin } from './missing-plugin.ts'
import { TrialFilter } from './trial-filter.ts'
import { TrialSplit } from './trial-split.ts'
import { WasmFilter } from './wasm-filter.ts'
import { checkSource } from './wasm-host-source.ts'

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

/** What there is in place of an executor that is a process of its own. */
const PROCESS_LATER =
  'use `worker`, and a gateway of its own for plugins that must not share a process with others'

/** Characters of one secret. */
const MAX_SECRET_LENGTH = 64 * 1024

const secretName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'a letter, then at most 63 letters, digits, _ . or -')

/** Parameters are copied into every instance. */
function areSmall(parameters: Readonly<Record<string, string>>): boolean {
  let size = 0
  for (const [name, value] of Object.entries(parameters)) size += name.length + value.length
  return size <= GUEST_LIMITS.parameters
}

/** Runs a plugin: WebAssembly that reads and changes requests and responses. */
export const wasmHost = defineFilter({
  kind: 'WasmHost',
  description:
    'Runs a plugin, a WebAssembly module, on requests and responses, in a thread of its own.',
  results: RESULTS,
  // A module names results of its own; they are checked when it is loaded.
  hasOpenResults: true,
  pluginField: 'plugin',
  codeField: 'code',
  example: `name: hello
kind: WasmHost
code: hello/build/hello.wasm
maxConcurrency: 4
timeout: 20ms
parameters: { greeting: Hello }`,
  notes: [
    'Memory, running time, instructions, imports and what a plugin may do are limited; docs/plugins-security.md has the figures.',
    'A request waits for a thread for `queueTimeout` at most; in Easegress it waits without a bound.',
    'A plugin may have a response phase, results of its own and a description of its parameters.',
    'Writes of a call that fails are not applied.',
  ],
  spec: z
    .strictObject({
      code: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The module: a path, relative to the file this stands in, an https URL, or base64. This or `plugin`.',
        ),
      plugin: z
        .string()
        .refine((text) => parsePluginId(text) !== undefined, {
          params: wants('the name of a stored plugin, or name@version'),
        })
        .optional()
        .describe(
          'A stored plugin instead of `code`: `name` follows what is promoted, `name@version` stays with it.',
        ),
      sha256: z
        .string()
        .regex(/^[0-9a-fA-F]{64}$/, 'a SHA-256 in 64 hexadecimal digits')
        .transform((digits) => digits.toLowerCase())
        .optional()
        .describe('What the bytes of `code` must be; a URL needs it.'),
      required: z
        .boolean()
        .default(false)
        .describe('Without the plugin the gateway is not ready: /readyz says so until it loads.'),
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
      cpuPerSecond: duration()
        .refine((ms) => ms >= 1, { params: wants('1ms or more') })
        .prefault('1s')
        .describe(
          'Running time of all its calls in one second; past it the result is outOfVM until time has passed.',
        ),
      isolation: choice('isolation', ISOLATIONS, { process: PROCESS_LATER })
        .default('worker')
        .describe(
          'Where it runs: in a thread, or in the event loop, where nothing but its fuel can end it.',
        ),
      reset: z
        .enum(['never', 'request'])
        .default('never')
        .describe(
          '`request`: every call finds the memory as it was after the start of the plugin.',
        ),
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
      bodyBytes: z
        .int()
        .min(1)
        .max(ENGINE_MEMORY_PAGES * 65_536)
        .default(GUEST_LIMITS.bodyBytes)
        .describe(
          'The largest body the plugin is given; a larger request is answered with 413. Its description may ask for less.',
        ),
      failPolicy: z
        .enum(['closed', 'open'])
        .default('closed')
        .describe(
          'When the plugin fails and no jumpIf says otherwise: the request fails, or goes on without it.',
        ),
      parameters: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
        .refine(areSmall, { params: wants('at most 1 MiB of names and values') })
        .default({})
        .describe('What the plugin is configured with; its description says which there are.'),
      grant: grantSpec
        .optional()
        .describe(
          'What the plugin may do. `code` without it: everything but network, secrets and functions; `plugin` without it: nothing.',
        ),
      secrets: z
        .record(secretName, z.string().min(1).max(MAX_SECRET_LENGTH))
        .default({})
        .describe(
          'Secrets by name, as `${env:NAME}` or `${file:PATH}`; the plugin asks for them, nobody else sees them.',
        ),
      keys: jwtKeysSpec
        .default({})
        .describe(
          'Keys by name that the plugin can have tokens (JWT) verified with, and never sees; written as `${env:NAME}` or `${file:PATH}`.',
        ),
    })
    .superRefine(checkSource),
  async create(spec, env, previous) {
    const isOpen = spec.failPolicy === 'open'
    const passes = isOpen ? FAILURES : null
    const request = {
      pipeline: env.pipeline,
      filter: env.filter,
      code: spec.code ?? null,
      plugin: spec.plugin ?? null,
      sha256: spec.sha256 ?? null,
      baseDir: env.baseDir,
      parameters: spec.parameters,
      timeoutMs: spec.timeout,
      queueTimeoutMs: spec.queueTimeout,
      cpuPerSecondMs: spec.cpuPerSecond,
      queueLength: WASM_DEFAULTS.queueLength,
      maxConcurrency: spec.maxConcurrency,
      isolation: spec.isolation,
      reset: spec.reset,
      fuel: spec.fuel ?? null,
      memoryPages: spec.memoryPages,
      bodyBytes: spec.bodyBytes,
      grant: spec.grant ?? null,
      secrets: spec.secrets,
      keys: spec.keys,
      log: env.log,
    }
    let versions: OpenVersions
    try {
      versions = await env.plugins.openVersions(request)
    } catch (error) {
      if (!env.isBoot) throw error
      const hint = isGatewayError(error) ? `. ${error.hint}` : ''
      const reason = `${reasonOf(error)}${hint}`
      env.log.error({ err: error }, `the gateway starts without a plugin: ${reason}`)
      const name = spec.plugin ?? spec.code ?? ''
      return missingPlugin({ name, reason, isRequired: spec.required, passes })
    }
    const { stable, trial } = versions
    const filter = new WasmFilter(stable, env.log, env.filter, isOpen)
    const former = previous === undefined ? undefined : running.get(previous)
    if (former !== undefined) filter.fallBackTo(former)
    const both = trial === null ? null : openTrial(filter, trial, env, isOpen)
    const handler = both ?? filter
    const made: Filter = {
      ...(passes === null ? {} : { passes }),
      resultNames: resultsOf(stable, trial),
      files: stable.file === null ? [] : [stable.file],
      handle: (scope: MessageScope) => handler.handle(scope),
      status: () =>
        both === null ? filter.status() : { ...filter.status(), canary: both.status() },
      close: async () => {
        await both?.close()
        await filter.close()
      },
    }
    running.set(made, filter)
    return made
  },
})

function openTrial(
  stable: WasmFilter,
  { plugin, canary, meter }: OpenTrial,
  env: FilterEnv,
  isOpen: boolean,
): TrialFilter {
  const candidate = new WasmFilter(plugin, env.log, env.filter, isOpen)
  return new TrialFilter(stable, candidate, new TrialSplit(canary), meter)
}

/** A jump by a result must be possible whichever version serves the request. */
function resultsOf(stable: OpenPlugin, trial: OpenTrial | null): readonly string[] {
  const { results } = stable.description
  if (trial === null) return results
  return results.filter((name) => trial.plugin.description.results.includes(name))
}
