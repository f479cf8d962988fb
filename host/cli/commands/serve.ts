import { resolve } from 'node:path'
import { ConfigError } from '../../config/issues.ts'
import { GatewayError } from '../../errors.ts'
import type { Gateway, GatewayOptions } from '../../gateway.ts'
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../../observe/log.ts'
import { AccessLog } from '../../traffic/access-log.ts'
import { type AdminAddress, parseAdminAddress } from '../admin-address.ts'
import { type Command, type CommandCall, type CommandOptions, defineCommand } from '../command.ts'
import { COMPAT_OPTION, isCompatible } from '../compat-option.ts'
import { dataDirOf } from '../data-dir.ts'
import { FILE_OPTION } from '../documents.ts'
import { type CliIo, EXIT, type ExitCode, hasColor } from '../io.ts'
import { StopSignals } from '../stop-signals.ts'

/** Makes a gateway; loaded when it is needed, because most commands need none. */
export type LoadGateway = () => Promise<(options: GatewayOptions) => Promise<Gateway>>

const MAX_WORKERS = 256
const MAX_DRAIN_SECONDS = 86_400

/** Serves traffic until it is told to stop. */
export const serveCommand = createServeCommand(async () => {
  const { createGateway } = await import('../../gateway.ts')
  return createGateway
})

export function createServeCommand(loadGateway: LoadGateway): Command {
  return defineCommand({
    name: 'serve',
    summary: 'serve traffic, and follow changes of the configuration and of plugins',
    options: [
      FILE_OPTION,
      {
        flags: '--admin-address <host:port>',
        description: 'where the admin API listens, or none',
        defaultText: '127.0.0.1:2381',
      },
      {
        flags: '--admin-host <name>',
        description: 'another name the admin API may be called by; repeatable',
        isRepeatable: true,
      },
      COMPAT_OPTION,
      { flags: '--http-engine <name>', description: 'what speaks HTTP', defaultText: 'native' },
      {
        flags: '--workers <count>',
        description: 'threads for plugins',
        defaultText: 'one less than there are cores',
      },
      {
        flags: '--drain-timeout <seconds>',
        description: 'time running requests and WebSockets get to end when it is told to stop',
        defaultText: '30',
      },
      {
        flags: '--log-level <level>',
        description: 'the least that is logged',
        choices: LOG_LEVELS,
        defaultText: 'info',
      },
      { flags: '--no-access-log', description: 'write no line for each request' },
    ],
    examples: [
      'penstock serve -f gateway.yaml',
      'penstock serve -f conf/ --admin-address 127.0.0.1:0 --log-level warn',
    ],
    // node:http makes several times the garbage: a young generation of 1 MiB costs it a seventh of its speed.
    holdsFootprint: (options) => options.text('httpEngine') !== 'node',
    run: (call) => serve(call, loadGateway),
  })
}

async function serve(call: CommandCall, loadGateway: LoadGateway): Promise<ExitCode> {
  const { io, options, global } = call
  const files = options.list('file')
  if (files.length === 0) {
    throw new GatewayError('CLI_USAGE', { reason: 'serve needs at least one -f FILE' })
  }
  const admin = adminOf(options)
  const threads = threadsOf(options)
  const drain = drainOf(options)
  const dataDir = await dataDirOf(global.dataDir, files, io)
  const output = openLogs(io, options)
  // From here on: a signal that arrives while the gateway starts must not leave half of it behind.
  const signals = new StopSignals(io)
  try {
    const createGateway = await loadGateway()
    const gateway = await createGateway({
      files: files.map((file) => (file === '-' ? file : resolve(io.cwd, file))),
      dataDir,
      admin,
      ...(threads === null ? {} : { threads }),
      ...engineOf(options),
      ...drain,
      ...(isCompatible(options) ? { compat: 'easegress' as const } : {}),
      log: output.log,
      accessLog: output.accessLog,
    })
    announce(output.log, admin, gateway, dataDir)
    return await untilStopped(gateway, signals, output.log)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return await explain(error, files, io, isCompatible(options))
  } finally {
    signals.release()
    await output.close()
  }
}

/** The first signal drains, the second ends at once. */
async function untilStopped(
  gateway: Gateway,
  signals: StopSignals,
  log: Logger,
): Promise<ExitCode> {
  const first = await signals.next()
  log.info(
    { signal: first },
    'stopping: running requests end first, the same signal again cuts them',
  )
  const stopped = gateway.close().then(() => {
    log.info('stopped')
    return EXIT.ok
  })
  const cut = signals
    .next()
    .then((signal) => (signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated))
  return await Promise.race([stopped, cut])
}

function announce(
  log: Logger,
  admin: AdminAddress | null,
  gateway: Gateway,
  dataDir: string,
): void {
  const objects = gateway.control.list().length
  if (admin === null || gateway.adminPort === null) {
    log.info({ objects, dataDir }, 'serving, without an admin API')
    return
  }
  const host = admin.address.includes(':') ? `[${admin.address}]` : admin.address
  const url = `http://${host}:${gateway.adminPort}`
  log.info({ objects, admin: url, dataDir }, 'serving')
  if (!admin.isLoopback) {
    log.warn({ admin: url }, 'the admin API can be reached from elsewhere and speaks plain HTTP')
  }
}

/** The problems as `validate` shows them: with their lines on a terminal. */
async function explain(
  error: ConfigError,
  files: readonly string[],
  io: CliIo,
  ignoresUnknownFields: boolean,
): Promise<ExitCode> {
  if (!files.includes('-')) {
    const { validate } = await import('./validate.ts')
    const quiet = { ...io, stdout: { isTerminal: false, write: () => true } }
    const code = await validate(files, quiet, ignoresUnknownFields)
    if (code !== EXIT.ok) return code
  }
  // Not in the files: in standard input, or in objects the API has stored.
  throw error
}

interface Logs {
  readonly log: Logger
  readonly accessLog: AccessLog
  close(): Promise<void>
}

function openLogs(io: CliIo, options: CommandOptions): Logs {
  const level = (options.text('logLevel') ?? 'info') as LogLevel
  const { destination, close } = io.openLog()
  const pretty = io.stdout.isTerminal
  const look = { destination, pretty, color: pretty && hasColor(io.stdout, io.env) }
  return {
    log: createLogger({ level, ...look }),
    accessLog: new AccessLog({
      ...look,
      // A line for each request is information: a quieter level leaves it out.
      isEnabled: options.flag('accessLog') && (level === 'debug' || level === 'info'),
    }),
    close,
  }
}

function adminOf(options: CommandOptions): AdminAddress | null {
  const address = parseAdminAddress(options.text('adminAddress') ?? '')
  return address === null ? null : { ...address, allowedHosts: options.list('adminHost') }
}

function threadsOf(options: CommandOptions): number | null {
  const text = options.text('workers')
  if (text === undefined) return null
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
    const reason = `--workers is a whole number from 1 to ${MAX_WORKERS}, not "${text}"`
    throw new GatewayError('CLI_USAGE', { reason })
  }
  return count
}

function engineOf(options: CommandOptions): { httpEngine?: string } {
  const httpEngine = options.text('httpEngine')
  return httpEngine === undefined ? {} : { httpEngine }
}

function drainOf(options: CommandOptions): { drainMs?: number } {
  const text = options.text('drainTimeout')
  if (text === undefined) return {}
  const seconds = Number(text)
  if (text === '' || !(seconds >= 0 && seconds <= MAX_DRAIN_SECONDS)) {
    const reason = `--drain-timeout is a number of seconds from 0 to ${MAX_DRAIN_SECONDS}, not "${text}"`
    throw new GatewayError('CLI_USAGE', { reason })
  }
  return { drainMs: seconds * 1000 }
}
