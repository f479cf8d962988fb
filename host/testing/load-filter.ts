import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../errors.ts'
import { formatDiagnostic } from '../toolchain/diagnostic.ts'
import { WASM_DEFAULTS } from '../wasm/limits.ts'
import { readModuleSource } from '../wasm/module-source.ts'
import { checkParameters } from '../wasm/parameters.ts'
import { FakeClock } from './fake-clock.ts'
import { openModule } from './open-module.ts'
import { type CapabilityOptions, capabilitiesOf } from './test-capabilities.ts'
import { TestFilter } from './test-filter.ts'

export interface LoadOptions extends CapabilityOptions {
  /** As under `parameters:` of the filter. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  /** Where `now()` of the filter stands still; default: it follows the system's clock. */
  readonly now?: Date | number | string
  /** Instructions of one call at most. Default 200,000,000. */
  readonly fuel?: number
  /** `request`: every call finds the memory as it was after the start. Default `never`. */
  readonly reset?: 'never' | 'request'
}

/**
 * Loads a filter to test it without a gateway. `source` is a module's path, the folder or `index.ts` of a
 * plugin (built first, when it changed), or the bytes of a module. Paths are relative to the working
 * folder.
 *
 *     const filter = await loadFilter('build/hello.wasm', { parameters: { name: 'you' } })
 *     const { request } = await filter.request({ path: '/', headers: { accept: '*' + '/*' } })
 *     assert.equal(request.headers.get('x-hello'), 'you')
 *
 * Fails with the GUEST_* error of a module or of parameters that a gateway would refuse, with TESTING_STALE
 * for a module whose sources have changed since, and with TOOLCHAIN_BUILD for sources with errors.
 */
export async function loadFilter(
  source: string | URL | Uint8Array,
  options: LoadOptions = {},
): Promise<TestFilter> {
  const { bytes, file } = await readSource(source)
  const opened = await openModule(bytes)
  const given = Object.entries(options.parameters ?? {}).map(([key, value]) => [key, String(value)])
  const parameters = checkParameters(opened.description, Object.fromEntries(given))
  const clock = new FakeClock()
  if (options.now !== undefined) clock.set(options.now)
  const { fuel = WASM_DEFAULTS.fuel, reset = 'never' } = options
  const capabilities = capabilitiesOf(opened, options)
  return await TestFilter.start(opened, file, parameters, { fuel, reset }, clock, capabilities)
}

async function readSource(
  source: string | URL | Uint8Array,
): Promise<{ readonly bytes: Uint8Array; readonly file: string | null }> {
  if (source instanceof Uint8Array) return { bytes: source, file: null }
  const path = resolve(source instanceof URL ? fileURLToPath(source) : source)
  if (!path.endsWith('.wasm')) return await readModuleSource(await buildFrom(path), '/')
  const module = await readModuleSource(path, '/')
  // Loaded when it is used: a test of a ready module needs no compiler.
  const { changedInputs } = await import('../toolchain/build-cache.ts')
  const [changed] = changedInputs(path)
  if (changed !== undefined) {
    throw new GatewayError('TESTING_STALE', { module: shown(path), changed: shown(changed) })
  }
  return module
}

/** The module of a plugin's sources. */
async function buildFrom(path: string): Promise<string> {
  const { buildPlugin } = await import('../toolchain/build-plugin.ts')
  const result = await buildPlugin({ path })
  if (result.kind === 'built') return result.outFile
  const problems = result.diagnostics.filter(({ severity }) => severity === 'error')
  throw new GatewayError('TOOLCHAIN_BUILD', {
    name: result.name,
    problems: problems.map((one) => formatDiagnostic(one, process.cwd())).join('\n'),
  })
}

function shown(path: string): string {
  return relative(process.cwd(), path)
}
