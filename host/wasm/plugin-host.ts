import { GatewayError, reasonOf } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { type Usage, UsagePool } from '../usage-pool.ts'
import { checkAbi } from './abi/check-abi.ts'
import type { Executor, PluginSetup } from './executor.ts'
import { type PluginDescription, readDescription } from './module/description.ts'
import { readModule } from './module/reader.ts'
import { readModuleSource } from './module-source.ts'
import { checkParameters } from './parameters.ts'
import { digestOf, type PluginStore } from './plugin-store.ts'
import type { LogMessage } from './worker/protocol.ts'
import { ThreadPool } from './worker/thread-pool.ts'
import { WorkerExecutor } from './worker/worker-executor.ts'

/** What a WasmHost filter asks for. */
export interface PluginRequest {
  readonly pipeline: string
  readonly filter: string
  readonly code: string
  readonly baseDir: string
  readonly parameters: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly maxConcurrency: number
  readonly queueLength: number
  readonly log: Logger
}

/** One plugin version, ready to be called for one generation of a filter. */
export interface OpenPlugin {
  readonly digest: string
  readonly name: string
  readonly description: PluginDescription
  /** `override` when it was pushed in place of what the configuration names. */
  readonly origin: 'code' | 'override'
  /** The file it was read from; null when there is none to watch. */
  readonly file: string | null
  readonly executor: Executor
  /** Frees its instances. Called when the last exchange that uses it has ended. */
  close(): Promise<void>
}

interface CompiledModule {
  readonly description: PluginDescription
  readonly module: WebAssembly.Module
}

/**
 * Opens plugins: reads code, checks it, compiles it once per digest, and starts instances in the threads
 * of the trust domain. There is one per gateway, and today one trust domain.
 */
export class PluginHost {
  readonly #store: PluginStore
  readonly #threads: number
  readonly #modules = new UsagePool()
  readonly #logs = new Map<number, { readonly log: Logger; readonly name: string }>()
  /** The files that open plugins were read from, with how many use each. */
  readonly #files = new Map<string, number>()
  #pool: ThreadPool | null = null
  #setups = 0
  #open = 0

  constructor(store: PluginStore, threads: number) {
    this.#store = store
    this.#threads = threads
  }

  get store(): PluginStore {
    return this.#store
  }

  /** Files to watch: a change of one of them is a new version of every plugin read from it. */
  get files(): readonly string[] {
    return [...this.#files.keys()]
  }

  status(): {
    readonly plugins: number
    readonly threads: number
    readonly replacedThreads: number
  } {
    return {
      plugins: this.#open,
      threads: this.#pool?.size ?? 0,
      replacedThreads: this.#pool?.replaced ?? 0,
    }
  }

  /** Fails with the GUEST_* error that says what is wrong with the module; nothing is left open then. */
  async open(request: PluginRequest): Promise<OpenPlugin> {
    const key = `${request.pipeline}/${request.filter}`
    const override = await this.#store.override(key, request.code)
    const pushed = override === undefined ? undefined : await this.#store.get(override.digest)
    if (override !== undefined && pushed === undefined) {
      request.log.warn(
        { filter: key, digest: override.digest },
        'the pushed plugin is gone from the data directory; running what the configuration names',
      )
    }
    const source =
      pushed === undefined
        ? await readModuleSource(request.code, request.baseDir)
        : { bytes: pushed, file: null }
    const usage = this.#compile(source.bytes)
    try {
      const compiled = await usage.value
      return await this.#start(request, source, compiled, usage, pushed !== undefined)
    } catch (error) {
      usage.release()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#pool?.close()
    this.#pool = null
  }

  /** Reads, checks and compiles, once for all filters that use the same bytes. */
  #compile(bytes: Buffer): Usage<Promise<CompiledModule>> {
    return this.#modules.acquire(
      digestOf(bytes),
      () => compileModule(bytes),
      () => undefined,
    )
  }

  async #start(
    request: PluginRequest,
    source: { readonly bytes: Buffer; readonly file: string | null },
    { description, module }: CompiledModule,
    usage: Usage<unknown>,
    isOverride: boolean,
  ): Promise<OpenPlugin> {
    const parameters = checkParameters(description, request.parameters)
    this.#setups += 1
    const name = description.name ?? request.filter
    const setup: PluginSetup = { id: this.#setups, name, module, parameters }
    this.#logs.set(setup.id, {
      log: request.log.child({ plugin: name, version: description.version ?? undefined }),
      name,
    })
    this.#pool ??= new ThreadPool(this.#threads, this.#onLog)
    const executor = new WorkerExecutor(setup, this.#pool, request)
    try {
      await executor.start()
    } catch (error) {
      this.#logs.delete(setup.id)
      await executor.close()
      throw error
    }
    this.#open += 1
    if (source.file !== null) this.#files.set(source.file, (this.#files.get(source.file) ?? 0) + 1)
    let isClosed = false
    return {
      digest: digestOf(source.bytes),
      name,
      description,
      origin: isOverride ? 'override' : 'code',
      file: source.file,
      executor,
      close: async () => {
        if (isClosed) return
        isClosed = true
        this.#open -= 1
        if (source.file !== null) this.#forgetFile(source.file)
        await executor.close()
        this.#logs.delete(setup.id)
        usage.release()
      },
    }
  }

  #forgetFile(file: string): void {
    const uses = (this.#files.get(file) ?? 1) - 1
    if (uses > 0) this.#files.set(file, uses)
    else this.#files.delete(file)
  }

  readonly #onLog = (message: LogMessage): void => {
    const target = this.#logs.get(message.setupId)
    if (target === undefined) return
    const fields = message.requestId === '' ? {} : { requestId: message.requestId }
    const level = LEVELS[message.level] ?? 'error'
    target.log[level](fields, message.message)
  }
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

async function compileModule(bytes: Buffer): Promise<CompiledModule> {
  const info = readModule(bytes)
  const description = readDescription(info)
  checkAbi(info, description)
  try {
    return { description, module: await WebAssembly.compile(new Uint8Array(bytes)) }
  } catch (error) {
    throw new GatewayError('GUEST_MODULE_INVALID', { offset: 0, reason: reasonOf(error) }, error)
  }
}
