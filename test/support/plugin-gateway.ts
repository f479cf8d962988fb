import { join } from 'node:path'
import { type CliResult, run } from '../cli/support.ts'
import { type Cleanup, startGateway, startUpstream, type TestGateway } from './gateway.ts'
import { onePipeline, proxyTo, wasmHost } from './one-pipeline.ts'

/** A gateway with an admin API, and the command that talks to it. */
export interface PluginGateway extends TestGateway {
  readonly dataDir: string
  /** `penstock plugin …`, in the folder of the configuration. */
  plugin(...argv: readonly string[]): Promise<CliResult>
  /** The version that serves a user, by the answer; the user goes into the header `x-user`. */
  version(user?: string): Promise<unknown>
}

/**
 * One pipeline `main` whose filter `plugin` is a WasmHost with these fields, in front of an upstream that
 * answers all requests. With `dataDir` it goes on where another gateway has ended; `flow` is that field, as YAML.
 */
export async function startPluginGateway(
  cleanup: Cleanup,
  fields: string,
  files: Readonly<Record<string, Uint8Array>> = {},
  dataDir?: string,
  flow = '',
): Promise<PluginGateway> {
  const upstream = await startUpstream(cleanup)
  const at = await startGateway(
    cleanup,
    onePipeline(wasmHost(fields) + proxyTo(upstream.url), flow),
    files,
    {
      watch: false,
      admin: { address: '127.0.0.1', port: 0 },
      ...(dataDir === undefined ? {} : { dataDir }),
    },
  )
  const kept = dataDir ?? join(at.dir, '.penstock')
  const env = {
    PENSTOCK_SERVER: `http://127.0.0.1:${at.gateway.adminPort}`,
    PENSTOCK_DATA_DIR: kept,
  }
  return {
    ...at,
    dataDir: kept,
    plugin: (...argv) => run(['plugin', ...argv], { cwd: at.dir, env }),
    version: async (user = '') =>
      (await at.get('/', { headers: { 'x-user': user } })).headers['x-version'],
  }
}
