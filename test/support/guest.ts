import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from '../../host/clock.ts'
import { isGatewayError } from '../../host/errors.ts'
import { Exchange } from '../../host/exchange/exchange.ts'
import { promised } from '../../host/exchange/late.ts'
import type { Request } from '../../host/exchange/request.ts'
import type { Response } from '../../host/exchange/response.ts'
import { WasmFilter } from '../../host/filters/wasm-filter.ts'
import { createLogger } from '../../host/observe/log.ts'
import { buildPlugin } from '../../host/toolchain/build-plugin.ts'
import { formatDiagnostic } from '../../host/toolchain/diagnostic.ts'
import { checkAbi } from '../../host/wasm/abi/check-abi.ts'
import { DataStore } from '../../host/wasm/data/data-store.ts'
import type { Executor, GuestItem, GuestOutcome, PluginSetup } from '../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../host/wasm/grant/grant.ts'
import { Instance } from '../../host/wasm/instance.ts'
import { type PluginDescription, readDescription } from '../../host/wasm/module/description.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import type { OpenPlugin } from '../../host/wasm/open-plugin.ts'
import { failedOutcome, outcomeOf, trapOf } from '../../host/wasm/outcome.ts'
import { checkParameters } from '../../host/wasm/parameters.ts'
import type { Cleanup } from './gateway.ts'

/** Fixtures of the tests are built here, once for all test files, by the content of their sources. */
const FIXTURES = fileURLToPath(new URL('../../.cache/guests/', import.meta.url))

/** What one exchange through a plugin came to. */
export interface GuestRun {
  /** The filter's result; undefined when it went on. */
  readonly result: string | undefined
  readonly request: Request
  /** What the client gets; null when a failed owed phase took it away. */
  readonly response: Response | null
  readonly exchange: Exchange
}

/**
 * A plugin behind the real filter, its guest running in this thread: what is tested is the compiled
 * module, the host calls and the applying of changes, without threads in between.
 */
export class TestGuest {
  readonly description: PluginDescription
  /** What the guest logged: `info: text`. */
  readonly logs: string[] = []
  /** Lines of the gateway's own log, as JSON. */
  readonly lines: string[] = []
  readonly #setup: PluginSetup
  readonly #data = new DataStore()
  readonly #filter: WasmFilter
  #instance: Instance | null = null

  private constructor(
    description: PluginDescription,
    module: WebAssembly.Module,
    parameters: Readonly<Record<string, string>>,
  ) {
    this.description = description
    const setup = {
      id: 1,
      name: description.name ?? 'guest',
      abi: description.abi,
      module,
      parameters: checkParameters(description, parameters),
      fuel: 200_000_000,
      data: 'guest',
      reset: 'never',
    } as const
    this.#setup = setup
    this.#instance = this.#start()
    const plugin = {
      digest: 'sha256:0',
      name: setup.name,
      description,
      origin: 'code',
      file: null,
      executor: this.#executor(),
      grant: LOCAL_GRANT,
      meters: { record: () => undefined },
      observe: () => undefined,
      debugRun: null,
      close: () => Promise.resolve(),
    } as const
    const destination = { write: (line: string) => void this.lines.push(line) }
    // What else an open plugin has is for whoever opened it; the filter does not look at it.
    this.#filter = new WasmFilter(
      plugin as Partial<OpenPlugin> as OpenPlugin,
      createLogger({ level: 'debug', destination, pretty: false }),
    )
  }

  /** Fails with the GUEST_* error that says what is wrong with the module or its parameters. */
  static async open(
    wasm: Uint8Array,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<TestGuest> {
    const info = readModule(wasm)
    const description = readDescription(info)
    checkAbi(info, description)
    return new TestGuest(description, await WebAssembly.compile(new Uint8Array(wasm)), parameters)
  }

  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? 0
  }

  /** The next call starts on an instance that remembers nothing. */
  forget(): void {
    this.#instance = null
  }

  /**
   * One exchange: the request through the filter, then, unless the filter answered, the upstream's
   * response, then the phases that are owed, then the end.
   */
  async run(request: Request, upstream: Response | null = null): Promise<GuestRun> {
    const exchange = new Exchange(request, 'test', monotonicMs())
    exchange.pipeline = 'test-pipeline'
    const result = await promised(this.#filter.handle(exchange))
    exchange.response ??= upstream
    await exchange.runOwed()
    const status = exchange.response?.status ?? 503
    exchange.finish({ status, durationMs: 1, sentBytes: 0, isComplete: true })
    return { result, request, response: exchange.response, exchange }
  }

  #executor(): Executor {
    return {
      start: () => Promise.resolve(),
      submit: (item) => this.#submit(item),
      status: () => ({
        isolation: 'inline',
        queued: 0,
        running: 0,
        calls: 0,
        failures: 0,
        instances: 1,
        memoryBytes: this.memoryBytes,
      }),
      close: () => Promise.resolve(),
    }
  }

  #submit(item: GuestItem): GuestOutcome {
    try {
      this.#instance ??= this.#start()
      const value = this.#instance.run(item)
      return outcomeOf(value, this.#instance.call.hasReplied, this.#instance.call.changes, 0)
    } catch (error) {
      this.#instance = null
      return failedOutcome(isGatewayError(error) ? error : trapOf(error))
    }
  }

  #start(): Instance {
    return new Instance(
      this.#setup,
      (level, message) => {
        this.logs.push(`${['debug', 'info', 'warn', 'error'][level] ?? level}: ${message}`)
      },
      this.#data.port('guest'),
    )
  }
}

/** The compiled bytes of a plugin: a folder or a single file; built only when its sources changed. */
export async function compiled(path: string, outFile?: string): Promise<Uint8Array> {
  const result = await buildPlugin(outFile === undefined ? { path } : { path, outFile })
  if (result.kind === 'failed') {
    throw new Error(result.diagnostics.map((one) => formatDiagnostic(one)).join('\n'))
  }
  return readFileSync(result.outFile)
}

/** The compiled bytes of a fixture under `test/`, for instance `sdk/assembly/headers`. */
export function compiledFixture(name: string): Promise<Uint8Array> {
  const path = fileURLToPath(new URL(`../${name}.ts`, import.meta.url))
  return compiled(path, join(FIXTURES, `${name.replaceAll('/', '-')}.wasm`))
}

/** A folder for one test. */
export async function temporaryFolder(cleanup: Cleanup): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'penstock-test-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  return dir
}
