import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { GatewayError } from '../../errors.ts'
import { identityOf } from '../../toolchain/plugin-identity.ts'
import { DEFAULT_DATA_DIR } from '../api-client.ts'

/** Where the upstream of a generated configuration is. */
const UPSTREAM_PORT = 9095

/** What `penstock dev` works on. */
export interface Project {
  readonly folder: string
  /** The folders of its plugins. */
  readonly plugins: readonly string[]
  /** The configuration to serve. */
  readonly config: string
  /** True when the project has none of its own. */
  readonly isGenerated: boolean
  readonly dataDir: string
}

/**
 * The project in a folder: the plugin it is, or those under its `plugins/`, and its `gateway.yaml`. Without
 * one, a configuration that puts the plugin before an upstream is written into the data directory.
 * DEV_NO_PLUGIN when there is no plugin.
 */
export function findProject(folder: string, config: string | null): Project {
  const plugins = pluginsIn(folder)
  const [first] = plugins
  if (first === undefined) throw new GatewayError('DEV_NO_PLUGIN', { folder })
  const dataDir = join(folder, DEFAULT_DATA_DIR)
  const own = config ?? ownConfig(folder)
  const project = { folder, plugins, dataDir }
  if (own !== null) return { ...project, config: own, isGenerated: false }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'dev.yaml')
  writeFileSync(path, generatedConfig(first, dataDir))
  return { ...project, config: path, isGenerated: true }
}

function pluginsIn(folder: string): string[] {
  if (existsSync(join(folder, 'index.ts'))) return [folder]
  const parent = join(folder, 'plugins')
  if (!existsSync(parent)) return []
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(parent, entry.name, 'index.ts')))
    .map((entry) => join(parent, entry.name))
}

function ownConfig(folder: string): string | null {
  const names = ['gateway.yaml', 'gateway.yml'].map((name) => join(folder, name))
  return names.find((path) => existsSync(path)) ?? null
}

/** The plugin before an upstream, with its parameters left as they are. */
function generatedConfig(plugin: string, dataDir: string): string {
  const { name } = identityOf(join(plugin, 'index.ts'), (path) => readFileSync(path, 'utf8'))
  const code = relative(dataDir, join(plugin, 'build', `${name}.wasm`))
  return `# Written by penstock dev. A gateway.yaml of your own takes its place.
kind: HTTPServer
name: server
port: 10080
address: 127.0.0.1
rules:
  - paths:
      - pathPrefix: /
        backend: main
---
kind: Pipeline
name: main
filters:
  - name: ${JSON.stringify(name)}
    kind: WasmHost
    code: ${JSON.stringify(code)}
  - name: upstream
    kind: Proxy
    pools:
      - servers:
          - url: http://127.0.0.1:${UPSTREAM_PORT}
`
}
