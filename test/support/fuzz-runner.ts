import { readFileSync } from 'node:fs'
import { isGatewayError } from '../../host/errors.ts'
import { Headers } from '../../host/exchange/headers.ts'
import { checkAbi } from '../../host/wasm/abi/check-abi.ts'
import { limitEngine } from '../../host/wasm/engine-limits.ts'
import type { Executor, PluginSetup } from '../../host/wasm/executor.ts'
import { Phase } from '../../host/wasm/guest-input.ts'
import { InlineExecutor } from '../../host/wasm/inline-executor.ts'
import { compileModule } from '../../host/wasm/module/compile.ts'
import { readDescription } from '../../host/wasm/module/description.ts'
import { gateModule } from '../../host/wasm/module/gate.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import { ThreadPool } from '../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../host/wasm/worker/worker-executor.ts'
import { itemThat } from './obedient-guest.ts'
import { outcomeFrom } from './outcome-from.ts'

/** What one module came to: refused with a code, or how each executor ended its calls. */
export interface FuzzedModule {
  readonly refused: string | null
  readonly inline: readonly string[]
  readonly worker: readonly string[]
  readonly ms: number
}

/** Fuel of each call: some ten milliseconds of instructions. */
const FUEL = 2_000_000

limitEngine()
const pool = new ThreadPool(1, () => undefined)
let setups = 0

/**
 * Takes modules the way the gateway does, and runs those it accepts in both executors. The process is the
 * thing under test: `node fuzz-runner.ts FILE` reads modules, each with its length before it, and writes
 * one line for each.
 */
const bytes = readFileSync(process.argv[2] ?? '')
for (let at = 0; at < bytes.length; ) {
  const length = bytes.readUInt32LE(at)
  const module = Uint8Array.from(bytes.subarray(at + 4, at + 4 + length))
  at += 4 + length
  const startedAt = performance.now()
  const outcome = await take(module)
  const ms = Math.round(performance.now() - startedAt)
  process.stdout.write(`${JSON.stringify({ ...outcome, ms })}\n`)
}
await pool.close()

async function take(module: Uint8Array): Promise<Omit<FuzzedModule, 'ms'>> {
  let setup: PluginSetup
  try {
    const info = readModule(module)
    const description = readDescription(info)
    checkAbi(info, description)
    setups += 1
    setup = {
      id: setups,
      name: 'fuzzed',
      abi: description.abi,
      module: await compileModule(gateModule(module)),
      parameters: new Map(),
      fuel: FUEL,
      data: 'fuzzed',
      reset: 'never',
    }
  } catch (error) {
    // Any other error is a mistake of the gate, and ends the process.
    if (isGatewayError(error) && error.code.startsWith('GUEST_')) {
      return { refused: error.code, inline: [], worker: [] }
    }
    throw error
  }
  const inline = new InlineExecutor(setup, () => undefined)
  const worker = new WorkerExecutor(setup, pool, {
    timeoutMs: 1_000,
    queueTimeoutMs: 60_000,
    queueLength: 16,
    maxConcurrency: 1,
  })
  return { refused: null, inline: await run(inline), worker: await run(worker) }
}

/** Starts it and makes three calls: a request, a response, and one more request. */
async function run(executor: Executor): Promise<string[]> {
  const ended: string[] = []
  try {
    await executor.start()
    ended.push('started')
  } catch (error) {
    if (!isGatewayError(error, 'GUEST_START')) throw error
    ended.push(error.code)
  }
  for (const phase of [Phase.request, Phase.response, Phase.request]) {
    const response =
      phase === Phase.response ? { status: 200, responseHeaders: new Headers(['a', 'b']) } : {}
    const item = { ...itemThat('a'), requestBody: new Uint8Array(2_000), ...response, phase }
    const { kind, failure } = await outcomeFrom(executor, item)
    ended.push(failure?.code ?? kind)
  }
  await executor.close()
  return ended
}
