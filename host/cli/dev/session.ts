import { basename, relative } from 'node:path'
import { printable } from '../../config/issues.ts'
import { loadPage } from '../../dashboard/page-files.ts'
import { reasonOf } from '../../errors.ts'
import { FileWatch } from '../../file-watch.ts'
import { createGateway, type Gateway } from '../../gateway.ts'
import { createLogger } from '../../observe/log.ts'
import { type Diagnostic, formatDiagnostic, formatFrame } from '../../toolchain/diagnostic.ts'
import { AccessLog } from '../../traffic/access-log.ts'
import { paint } from '../errors.ts'
import { type CliIo, EXIT, type ExitCode, hasColor } from '../io.ts'
import { StopSignals } from '../stop-signals.ts'
import { MockUpstreams } from './mock-upstreams.ts'
import { type PluginBuild, PluginBuilder } from './plugin-builder.ts'

const ADMIN_ADDRESS = '127.0.0.1'

/** Where the inspector is unless that port is taken. */
export const DEFAULT_INSPECTOR_PORT = 2381

export interface SessionOptions {
  /** The folders of the plugins that are compiled and followed. */
  readonly plugins: readonly string[]
  readonly config: string
  readonly dataDir: string
  /** The port of the inspector and the admin API; the next free one is taken when it is not. */
  readonly adminPort: number
  /** Plugins whose shipped build is current need no other to begin with. */
  readonly takesShipped: boolean
  /** The text to begin with, once everything runs. */
  welcome(running: RunningSession): string
}

/** What a session has taken, for its first words. */
export interface RunningSession {
  readonly gateway: Gateway
  /** The inspector's address with the key of this session. */
  readonly inspectorUrl: string
  /** Ports of the upstreams that are stood in for. */
  readonly mockPorts: readonly number[]
}

/**
 * Gateway, mock upstreams and inspector in this process, until it is told to stop. Plugins are compiled when
 * their sources are saved, and the configuration is read again when it is. Everything it says is one line
 * on standard output, or the compiler's message with the place; the inspector's page shows the same.
 */
export class DevSession {
  readonly #options: SessionOptions
  readonly #io: CliIo
  readonly #builder: PluginBuilder
  readonly #mocks: MockUpstreams
  /** The folders of plugins whose last save did not compile. */
  readonly #broken = new Set<string>()
  #gateway: Gateway | null = null

  constructor(options: SessionOptions, io: CliIo) {
    this.#options = options
    this.#io = io
    this.#builder = new PluginBuilder(options.plugins)
    this.#mocks = new MockUpstreams((text) => this.#say(text))
  }

  /** Fails with ConfigError, or with LISTEN when not even a free port can be had. */
  async run(): Promise<ExitCode> {
    const { config, takesShipped, welcome } = this.#options
    const { destination, close: closeLog } = this.#io.openLog()
    const closers: (() => unknown)[] = [closeLog, () => this.#builder.close()]
    // From here on: a signal that arrives while it starts must not leave half of it behind.
    const signals = new StopSignals(this.#io)
    const stopped = signals.next()
    try {
      this.#say('compiling …')
      await this.#builder.buildAll(takesShipped, (build) => this.#built(build))
      await this.#mocks.start([config], this.#io)
      closers.push(() => this.#mocks.close())
      const gateway = await this.#start(destination)
      closers.push(() => gateway.close())
      this.#gateway = gateway
      await this.#builder.watch(
        (build, source) => this.#saved(build, source),
        (error, source) => this.#fail(`${this.#short(source)}: ${reasonOf(error)}`),
      )
      const configWatch = new FileWatch(
        () => [config],
        () => this.#reconfigure(),
      )
      await configWatch.start()
      closers.push(() => configWatch.close())
      const key = gateway.inspector?.key.text ?? ''
      const inspectorUrl = `http://${ADMIN_ADDRESS}:${gateway.adminPort}/ui/#key=${key}`
      this.#say(welcome({ gateway, inspectorUrl, mockPorts: this.#mocks.ports }))
      await stopped
      return EXIT.ok
    } finally {
      signals.release()
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
    }
  }

  async #start(destination: Parameters<typeof createLogger>[0]['destination']): Promise<Gateway> {
    const { stdout, env } = this.#io
    const { adminPort: wanted } = this.#options
    const pretty = stdout.isTerminal
    const look = { destination, pretty, color: pretty && hasColor(stdout, env) }
    const gateway = await createGateway({
      files: [this.#options.config],
      dataDir: this.#options.dataDir,
      admin: { address: ADMIN_ADDRESS, port: wanted },
      // Plugins and configuration are followed here: that is faster, and tells more.
      watch: false,
      development: {
        page: loadPage,
        standIns: this.#builder.standIns,
        debugBuildOf: (file) => this.#builder.debugBuildOf(file),
        onMoved: ({ server, wanted, port }) =>
          this.#say(`port ${wanted} is taken: ${server} listens on ${port} instead`),
      },
      log: createLogger({ level: 'info', ...look }),
      accessLog: new AccessLog(look),
    })
    if (wanted !== 0 && gateway.adminPort !== wanted) {
      this.#say(`port ${wanted} is taken: the inspector is on ${gateway.adminPort} instead`)
    }
    return gateway
  }

  /** What a plugin's first build came to. One that fails is no reason to end: it is about to be mended. */
  #built({ folder, result }: PluginBuild): void {
    if (result.kind === 'failed') {
      this.#broken.add(folder)
      this.#fail(`${this.#short(folder)} does not compile`, this.#explain(result.diagnostics))
      return
    }
    const how = result.isCached ? 'unchanged' : `${Math.round(result.durationMs)} ms`
    this.#say(`  ${printable(result.name)}  ${result.bytes} bytes, ${how}`)
  }

  /** One line for a swap that worked, with its time; the compiler's message for one that did not. */
  async #saved({ folder, result }: PluginBuild, source: string): Promise<void> {
    const name = this.#short(source)
    if (result.kind === 'failed') {
      const text = `${name} does not compile: the former version serves on`
      this.#broken.add(folder)
      this.#fail(text, this.#explain(result.diagnostics))
      return
    }
    if (result.isCached) {
      // Saved as it was before the mistake: what runs is right again.
      if (this.#broken.delete(folder)) this.#live(`${name} compiles again, and is what runs`)
      return
    }
    this.#broken.delete(folder)
    const startedAt = performance.now()
    const refused = (await this.#gateway?.reload()) ?? []
    const swapMs = performance.now() - startedAt
    if (refused.length > 0) {
      // The gateway's log has said why already.
      this.#gateway?.inspector?.live.notice(
        'failed',
        [`${name} was refused`, ...refused].join('\n'),
      )
      return
    }
    const [total, compiled, swapped] = [result.durationMs + swapMs, result.durationMs, swapMs].map(
      (ms) => `${Math.round(ms)} ms`,
    )
    this.#live(`${name} is live in ${total} (compiled in ${compiled}, swapped in ${swapped})`)
  }

  async #reconfigure(): Promise<void> {
    const { config } = this.#options
    const before = this.#gateway?.control.revision
    await this.#mocks.start([config], this.#io)
    const refused = (await this.#gateway?.reload()) ?? []
    const name = this.#short(config)
    if (refused.length > 0) {
      this.#gateway?.inspector?.live.notice(
        'failed',
        [`${name} was refused`, ...refused].join('\n'),
      )
    } else if (this.#gateway?.control.revision !== before) this.#live(`${name} is live`)
  }

  #explain(diagnostics: readonly Diagnostic[]): string {
    return diagnostics
      .filter(({ severity }) => severity !== 'info')
      .map((one) => {
        const frame = formatFrame(one)
        const text = printable(formatDiagnostic(one, this.#io.cwd))
        return frame === '' ? text : `${text}\n${frame}`
      })
      .join('\n')
  }

  #live(text: string): void {
    this.#say(paint(this.#io.stdout, this.#io.env, 'green', text))
    this.#gateway?.inspector?.live.notice('live', text)
  }

  #fail(text: string, detail = ''): void {
    const lines =
      detail === '' ? text : `${detail}\n${paint(this.#io.stdout, this.#io.env, 'red', text)}`
    this.#say(lines)
    this.#gateway?.inspector?.live.notice('failed', detail === '' ? text : `${text}\n${detail}`)
  }

  #say(text: string): void {
    this.#io.stdout.write(`${text}\n`)
  }

  #short(path: string): string {
    const short = relative(this.#io.cwd, path)
    return short === '' ? basename(path) : short
  }
}
