import { join, relative } from 'node:path'
import { DEFAULT_INSPECTOR_PORT, DevSession, type RunningSession } from '../dev/session.ts'
import type { CliIo, ExitCode } from '../io.ts'

/** The folder with a folder for each plugin. */
const PLUGINS_DIR = join(import.meta.dirname, '..', '..', '..', 'plugins')
const CONFIG = join(PLUGINS_DIR, 'demo.yaml')
/** The plugins of the demo's configuration. */
const DEMO_PLUGINS = ['api-key', 'request-headers', 'response-body']
/** The plugin the text below asks to edit. */
const SHOWN_PLUGIN = join(PLUGINS_DIR, 'request-headers', 'index.ts')

/** The main job: three plugins, an upstream, the gateway and its inspector, until it is told to stop. */
export async function runDemo(io: CliIo): Promise<ExitCode> {
  const session = new DevSession(
    {
      plugins: DEMO_PLUGINS.map((name) => join(PLUGINS_DIR, name)),
      config: CONFIG,
      dataDir: join(io.cwd, '.penstock'),
      adminPort: DEFAULT_INSPECTOR_PORT,
      takesShipped: true,
      welcome: (running) => welcome(running, io.cwd),
    },
    io,
  )
  return await session.run()
}

function welcome({ gateway, inspectorUrl }: RunningSession, cwd: string): string {
  const port = gateway.portOf('demo-server') ?? 0
  return `
Penstock runs: traffic on http://127.0.0.1:${port}, admin API on http://127.0.0.1:${gateway.adminPort}

Try, in another terminal:
  curl -i http://127.0.0.1:${port}/hello                             a plugin adds x-served-by for the upstream
  curl -i http://127.0.0.1:${port}/private                           a plugin answers 401
  curl -i -H 'x-api-key: demo-key' http://127.0.0.1:${port}/private  … and lets this one through

See what each filter did with them:
  ${inspectorUrl}

Then edit ${relative(cwd, SHOWN_PLUGIN)} and save: it is compiled and swapped while requests flow.
Ctrl-C stops.`
}
