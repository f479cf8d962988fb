import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { isGatewayError } from '../../host/errors.ts'
import { gateModule } from '../../host/wasm/module/gate.ts'
import { FUEL_EXPORT, START_EXPORT } from '../../host/wasm/module/gate-names.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import type { ExternType } from '../../host/wasm/module/value-type.ts'

/** Fuel of each call; at most a few tens of milliseconds. */
const FUEL = 20_000_000n
/** Exports that are called; enough for what a fuzzer makes. */
const MAX_CALLS = 20

/** How one module ended. Anything but this list, or no line at all, is a failure of the test. */
export type HostileOutcome = 'refused' | 'invalid' | 'unlinkable' | 'ran'

/**
 * Runs modules as the gateway would: through the gate, in a worker with a heap limit, all calls on
 * fuel. The process is the thing under test: `node hostile-runner.ts FILE` reads modules, each with
 * its length before it, and writes one line for each.
 */
if (isMainThread) {
  const bytes = readFileSync(process.argv[2] ?? '')
  const modules: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    modules.push(Uint8Array.from(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  const worker = new Worker(new URL(import.meta.url), {
    workerData: modules,
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  })
  worker.on('message', (line: string) => process.stdout.write(`${line}\n`))
} else {
  for (const module of workerData as Uint8Array[]) {
    const started = performance.now()
    const outcome = runHostile(module)
    const ms = Math.round(performance.now() - started)
    parentPort?.postMessage(JSON.stringify({ ...outcome, ms }))
  }
}

interface HostileRun {
  readonly outcome: HostileOutcome
  readonly calls: number
  readonly stopped: number
  readonly reason: string
}

function runHostile(module: Uint8Array): HostileRun {
  const ended = (outcome: HostileOutcome, reason: string, calls = 0, stopped = 0): HostileRun => ({
    outcome,
    calls,
    stopped,
    reason,
  })
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = Uint8Array.from(gateModule(module).bytes)
  } catch (error) {
    // Any other error is a fault of the gate and ends the worker.
    if (isGatewayError(error) && error.code.startsWith('GUEST_MODULE_')) {
      return ended('refused', error.message)
    }
    throw error
  }
  let compiled: WebAssembly.Module
  try {
    compiled = new WebAssembly.Module(bytes)
  } catch (error) {
    return ended('invalid', String(error))
  }
  let exports: WebAssembly.Exports
  try {
    exports = new WebAssembly.Instance(compiled, importsOf(module)).exports
  } catch (error) {
    return ended('unlinkable', String(error))
  }
  const fuel = exports[FUEL_EXPORT] as WebAssembly.Global
  const names = Object.keys(exports).filter((name) => typeof exports[name] === 'function')
  const order = [START_EXPORT, ...names.filter((name) => name !== START_EXPORT)].slice(0, MAX_CALLS)
  let calls = 0
  let stopped = 0
  let reason = ''
  for (const name of order) {
    const target = exports[name]
    if (typeof target !== 'function') continue
    fuel.value = FUEL
    calls += 1
    try {
      ;(target as (...args: unknown[]) => unknown)(...new Array(target.length).fill(1))
    } catch (error) {
      reason = String(error)
      if ((fuel.value as bigint) < 0n) stopped += 1
    }
  }
  return ended('ran', reason, calls, stopped)
}

function importsOf(module: Uint8Array): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
  for (const { module: from, name, type } of readModule(module).imports) {
    imports[from] ??= {}
    imports[from][name] = importOf(type)
  }
  return imports
}

function importOf(type: ExternType): WebAssembly.ImportValue {
  if (type.kind === 'function') return () => 0
  if (type.kind === 'memory') {
    return new WebAssembly.Memory({ initial: Math.min(type.minimum, 256), maximum: 256 })
  }
  if (type.kind === 'table') {
    return new WebAssembly.Table({ element: 'anyfunc', initial: type.minimum, maximum: 10_000 })
  }
  return 0
}
