import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_PROTOCOLS, type CertificateFiles, type Target } from './target.ts'

const ROOT = join(import.meta.dirname, '../..')

/** One filter of a pipeline, as JSON data. */
export type FilterSpec = Readonly<Record<string, unknown>> & { readonly name: string }

export interface PenstockOptions {
  readonly name: string
  readonly engine: string
  /** Stand in front of the proxy, in this order. */
  readonly filters?: readonly FilterSpec[]
  /** The program that serves; default the command itself. */
  readonly entry?: string
  /** With the admin API, on the port after that of the traffic. */
  readonly hasAdmin?: boolean
}

/** The gateway as `penstock serve` runs it: router, pipeline, proxy, all limits on, no access log. */
export function penstockTarget(options: PenstockOptions): Target {
  return {
    name: options.name,
    version: `${options.name}: penstock serve --http-engine ${options.engine} --no-access-log`,
    protocols: ALL_PROTOCOLS,
    command(port, upstreamPort, folder, certificate) {
      const file = join(folder, 'gateway.yaml')
      writeFileSync(file, gatewayText(port, upstreamPort, options.filters ?? [], certificate))
      return [
        process.execPath,
        join(ROOT, options.entry ?? 'host/main.ts'),
        'serve',
        '-f',
        file,
        '--data-dir',
        join(folder, 'data'),
        '--admin-address',
        options.hasAdmin === true ? `127.0.0.1:${port + 1}` : 'none',
        '--http-engine',
        options.engine,
        '--workers',
        '1',
        '--log-level',
        'warn',
        '--no-access-log',
      ]
    },
  }
}

/** JSON is YAML. */
function gatewayText(
  port: number,
  upstreamPort: number,
  filters: readonly FilterSpec[],
  certificate: CertificateFiles | null,
): string {
  const { cert: certFile, key: keyFile } = certificate ?? {}
  const server = {
    kind: 'HTTPServer',
    name: 'bench-server',
    address: '127.0.0.1',
    port,
    ...(certificate === null
      ? {}
      : { https: true, tls: { certificates: [{ certFile, keyFile }] } }),
    rules: [{ paths: [{ pathPrefix: '/', backend: 'bench' }] }],
  }
  const proxy = {
    kind: 'Proxy',
    name: 'upstream',
    pools: [{ servers: [{ url: `http://127.0.0.1:${upstreamPort}` }] }],
  }
  const pipeline = { kind: 'Pipeline', name: 'bench', filters: [...filters, proxy] }
  return `${JSON.stringify(server)}\n---\n${JSON.stringify(pipeline)}\n`
}
