import { relative, resolve } from 'node:path'
import type { CliIo, ExitCode } from '../io.ts'
import { findProject, type Project } from './project.ts'
import { DEFAULT_INSPECTOR_PORT, DevSession, type RunningSession } from './session.ts'

export interface DevOptions {
  /** The folder of the project; null for the current one. */
  readonly folder: string | null
  /** A configuration in place of the project's. */
  readonly config: string | null
  /** The port of the inspector; null for DEFAULT_INSPECTOR_PORT. */
  readonly inspectorPort: number | null
}

/** Runs the project in a folder until it is told to stop. Fails with DEV_NO_PLUGIN or ConfigError. */
export async function runDev(options: DevOptions, io: CliIo): Promise<ExitCode> {
  const folder = resolve(io.cwd, options.folder ?? '.')
  const config = options.config === null ? null : resolve(io.cwd, options.config)
  const project = findProject(folder, config)
  const session = new DevSession(
    {
      plugins: project.plugins,
      config: project.config,
      dataDir: project.dataDir,
      adminPort: options.inspectorPort ?? DEFAULT_INSPECTOR_PORT,
      takesShipped: false,
      welcome: (running) => welcome(project, running, io.cwd),
    },
    io,
  )
  return await session.run()
}

function welcome(project: Project, running: RunningSession, cwd: string): string {
  const { gateway, inspectorUrl, mockPorts } = running
  const lines: [string, string][] = []
  for (const { name, port } of gateway.inspector?.servers ?? []) {
    lines.push([name, `http://127.0.0.1:${port}`])
  }
  for (const port of mockPorts) {
    lines.push(['upstream', `http://127.0.0.1:${port} (a mock that answers with what it was sent)`])
  }
  lines.push(['inspector', inspectorUrl])
  const config = relative(cwd, project.config)
  lines.push([
    'config',
    project.isGenerated ? `${config} (made up; gateway.yaml replaces it)` : config,
  ])
  const width = Math.max(...lines.map(([name]) => name.length))
  const first = gateway.inspector?.servers[0]
  return [
    '',
    ...lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    '',
    ...(first === undefined ? [] : [`Try: curl -i http://127.0.0.1:${first.port}/`]),
    'Save a source or the configuration and it is live in under a second. Ctrl-C stops.',
  ].join('\n')
}
