import { join, relative } from 'node:path'
import { GatewayError, reasonOf } from '../../errors.ts'
import { createGateway, type Gateway } from '../../gateway.ts'
import { createLogger } from '../../observe/log.ts'
import type { BuildResult } from '../../toolchain/build-plugin.ts'
import { formatDiagnostic, formatFrame } from '../../toolchain/diagnostic.ts'
import { AccessLog } from '../../traffic/access-log.ts'
import { type CliIo, EXIT, type ExitCode, hasColor } from '../io.ts'
import { StopSignals } from '../stop-signals.ts'
import { PLUGINS_DIR, PluginBuilder } from './plugin-builder.ts'
import { startUpstream, UPSTREAM_PORT } from './upstream.ts'

const CONFIG = join(PLUGINS_DIR, 'demo.yaml')
const ADMIN_PORT = 2381
/** The plugin the text below asks to edit. */
const SHOWN_PLUGIN = join(PLUGINS_DIR, 'request-headers', 'index.ts')

/**
 * The main job: compiles the plugins, starts an upstream, the gateway and its admin API, and follows
 * edits of a plugin's source until it is told to stop.
 */
export async function runDemo(io: CliIo): Promise<ExitCode> {
  const say = (text: string): void => void io.stdout.write(`${text}\n`)
  const { destination, close: closeLog } = io.openLog()
  const pretty = io.stdout.isTerminal
  const look = { destination, pretty, color: pretty && hasColor(io.stdout, io.env) }
  const builder = new PluginBuilder(PLUGINS_DIR)
  const closers: (() => unknown)[] = [closeLog, () => builder.close()]
  const signals = new StopSignals(io)
  try {
    say('compiling the plugins …')
    let failures = 0
    await builder.buildAll((result) => {
      say(built(result, io.cwd))
      if (result.kind === 'failed') failures += 1
    })
    if (failures > 0) return EXIT.refused
    const upstream = await startUpstream(UPSTREAM_PORT).catch((error: unknown) => {
      const address = `127.0.0.1:${UPSTREAM_PORT}`
      throw new GatewayError('LISTEN', { address, reason: reasonOf(error) }, error)
    })
    closers.push(() => {
      upstream.closeAllConnections()
      upstream.close()
    })
    const gateway = await createGateway({
      files: [CONFIG],
      dataDir: join(io.cwd, '.penstock'),
      admin: { address: '127.0.0.1', port: ADMIN_PORT },
      log: createLogger({ level: 'warn', ...look }),
      accessLog: new AccessLog(look),
    })
    closers.push(() => gateway.close())
    const failed = gateway.control.status().filter((status) => status.state === 'failed')
    if (failed.length > 0) {
      io.stderr.write(`error: ${failed.map((one) => one.error).join('\n       ')}\n`)
      return EXIT.refused
    }
    await builder.watch((result, source) => swapIn(gateway, result, source, say, io.cwd))
    say(welcome(gateway, io.cwd))
    await signals.next()
    return EXIT.ok
  } finally {
    signals.release()
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
  }
}

/** One line for a swap that worked, with its time; the compiler's message for one that did not. */
async function swapIn(
  gateway: Gateway,
  result: BuildResult,
  source: string,
  say: (text: string) => void,
  cwd: string,
): Promise<void> {
  if (result.kind === 'failed') {
    say(built(result, cwd))
    say(`${relative(cwd, source)} does not compile: the former version serves on`)
    return
  }
  if (result.isCached) return
  const startedAt = performance.now()
  await gateway.reload()
  const swapMs = performance.now() - startedAt
  const status = gateway.control.status().find((one) => one.error !== null)
  if (status !== undefined) {
    say(`${relative(cwd, source)} was refused, the former version serves on: ${status.error}`)
    return
  }
  const total = Math.round(result.durationMs + swapMs)
  say(
    `${relative(cwd, source)} is live in ${total} ms (compiled in ${Math.round(result.durationMs)}, swapped in ${Math.round(swapMs)})`,
  )
}

function built(result: BuildResult, cwd: string): string {
  if (result.kind === 'failed') {
    return result.diagnostics
      .map((diagnostic) => `${formatDiagnostic(diagnostic, cwd)}\n${formatFrame(diagnostic)}`)
      .join('\n')
  }
  const how = result.isCached ? 'unchanged' : `${Math.round(result.durationMs)} ms`
  return `  ${result.name}  ${result.bytes} bytes, ${how}`
}

function welcome(gateway: Gateway, cwd: string): string {
  const port = gateway.portOf('demo-server') ?? 0
  return `
Penstock runs: traffic on http://127.0.0.1:${port}, admin API on http://127.0.0.1:${gateway.adminPort}

Try, in another terminal:
  curl -i http://127.0.0.1:${port}/hello                             a plugin adds x-served-by for the upstream
  curl -i http://127.0.0.1:${port}/private                           a plugin answers 401
  curl -i -H 'x-api-key: demo-key' http://127.0.0.1:${port}/private  … and lets this one through

Then edit ${relative(cwd, SHOWN_PLUGIN)} and save: it is compiled and swapped while requests flow.
Ctrl-C stops.`
}
