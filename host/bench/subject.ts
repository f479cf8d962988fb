import { readFile } from 'node:fs/promises'
import { setImmediate as nextTick } from 'node:timers/promises'
import { GatewayError, reasonOf } from '../errors.ts'
import { promised } from '../exchange/late.ts'
import { WasmFilter } from '../filters/wasm-filter.ts'
import { captureErrors } from '../testing/capture-log.ts'
import { type OpenedModule, openModule } from '../testing/open-module.ts'
import { openPlugin, setupOf } from '../testing/open-plugin.ts'
import { type CapabilityOptions, capabilitiesOf } from '../testing/test-capabilities.ts'
import { DataStore } from '../wasm/data/data-store.ts'
import type { Executor, PluginSetup } from '../wasm/executor.ts'
import { InlineExecutor } from '../wasm/inline-executor.ts'
import { HOST_SEAMS, type InstanceSeams } from '../wasm/instance.ts'
import { WASM_DEFAULTS } from '../wasm/limits.ts'
import { checkParameters } from '../wasm/parameters.ts'
import { ThreadPool } from '../wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../wasm/worker/worker-executor.ts'
import { makeAnswer, makeExchange, type Sample } from './sample-request.ts'

/** A filter as one isolation level runs it. */
export interface Subject {
  /** One request through all phases of the filter; milliseconds. GUEST_BENCH when the filter fails on it. */
  run(sample: Sample): number | Promise<number>
  close(): Promise<void>
}

/** A module to measure, with what it is configured with. */
export interface BenchModule {
  readonly file: string
  readonly opened: OpenedModule
  readonly parameters: ReadonlyMap<string, string>
  readonly capabilities: Pick<PluginSetup, 'grant' | 'secrets'>
}

/** What a module is given to start with. */
export type BenchOptions = Pick<CapabilityOptions, 'secrets' | 'keys'>

const DATA_NAMESPACE = 'bench'

/** How long anything may take in a worker that is measured. */
const LIMIT_MS = 10_000

/** Fails with GUEST_CODE_READ, the GUEST_* error that says what is wrong, or TESTING_INPUT for a key that is none. */
export async function openBenchModule(
  file: string,
  parameters: Readonly<Record<string, string>>,
  options: BenchOptions = {},
): Promise<BenchModule> {
  const opened = await openModule(await readBytes(file))
  const { grant, secrets } = capabilitiesOf(opened, options)
  const capabilities = { grant, secrets }
  return { file, opened, parameters: checkParameters(opened.description, parameters), capabilities }
}

export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new GatewayError('GUEST_CODE_READ', { source: file, reason: reasonOf(error) }, error)
  }
}

/** What an instance is made of, for those that make one by themselves. */
export function setupFor(module: BenchModule, reset: 'never' | 'request'): PluginSetup {
  const limits = { fuel: WASM_DEFAULTS.fuel, reset }
  return setupOf(module.opened, module.parameters, DATA_NAMESPACE, limits, module.capabilities)
}

/** In the event loop. `around` may put an executor around the one that runs the guest. */
export async function inlineSubject(
  module: BenchModule,
  reset: 'never' | 'request',
  seams: InstanceSeams = HOST_SEAMS,
  around: (inner: InlineExecutor) => Executor = (inner) => inner,
): Promise<Subject & { readonly executor: InlineExecutor }> {
  // Lives end by the clock the filter sees.
  const data = new DataStore(undefined, seams.wallMs).port(DATA_NAMESPACE)
  const executor = new InlineExecutor(setupFor(module, reset), () => undefined, data, seams)
  await executor.start()
  const runner = new Runner(module, around(executor))
  return {
    executor,
    run: (sample) => runner.runNow(sample),
    close: () => executor.close(),
  }
}

/** What can have several requests in flight. */
export interface WorkerSubject extends Subject {
  /** This many requests at once; milliseconds until the last is through. */
  runMany(sample: Sample, count: number): Promise<number>
}

/** In one thread of a pool. */
export async function workerSubject(module: BenchModule): Promise<WorkerSubject> {
  // As with the other limits: what is slow is to be measured, not to be ended.
  const pool = new ThreadPool(1, () => undefined, new DataStore(), LIMIT_MS)
  const executor = new WorkerExecutor(setupFor(module, 'never'), pool, {
    timeoutMs: LIMIT_MS,
    queueTimeoutMs: LIMIT_MS,
    queueLength: WASM_DEFAULTS.queueLength,
    maxConcurrency: 1,
  })
  try {
    await executor.start()
  } catch (error) {
    await pool.close()
    throw error
  }
  const runner = new Runner(module, executor)
  return {
    run: (sample) => runner.run(sample),
    runMany: (sample, count) => runner.runMany(sample, count),
    close: async () => {
      // The done phase of the last request may still be on its way.
      await nextTick()
      await executor.close()
      await pool.close()
    },
  }
}

/** Takes requests through a filter with the clock running. What a gateway would do besides is not counted. */
class Runner {
  readonly #filter: WasmFilter
  #problem: string | null = null

  constructor(module: BenchModule, executor: Executor) {
    this.#filter = new WasmFilter(
      openPlugin(module.opened, module.file, executor),
      captureErrors((message) => {
        this.#problem ??= message
      }),
    )
  }

  /** For an executor that answers at once. */
  runNow(sample: Sample): number {
    const exchange = makeExchange(sample)
    const answer = makeAnswer(sample)
    const startedAtMs = performance.now()
    // Whole bodies and an executor in the event loop: nothing here waits.
    void this.#filter.handle(exchange)
    exchange.response ??= answer
    void exchange.runOwed()
    exchange.finish({ status: 200, durationMs: 0, sentBytes: 0, isComplete: true })
    const endedAtMs = performance.now()
    this.#check()
    return endedAtMs - startedAtMs
  }

  run(sample: Sample): Promise<number> {
    return this.runMany(sample, 1)
  }

  async runMany(sample: Sample, count: number): Promise<number> {
    const exchanges = Array.from({ length: count }, () => makeExchange(sample))
    const answers = exchanges.map(() => makeAnswer(sample))
    const startedAtMs = performance.now()
    await Promise.all(
      exchanges.map(async (exchange, index) => {
        await promised(this.#filter.handle(exchange))
        exchange.response ??= answers[index] ?? null
        await exchange.runOwed()
      }),
    )
    const endedAtMs = performance.now()
    for (const exchange of exchanges) {
      exchange.finish({ status: 200, durationMs: 0, sentBytes: 0, isComplete: true })
    }
    this.#check()
    return endedAtMs - startedAtMs
  }

  #check(): void {
    if (this.#problem === null) return
    const reason = this.#problem.replace(/^plugin failed: /, '')
    throw new GatewayError('GUEST_BENCH', { reason })
  }
}
