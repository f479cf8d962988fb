import { randomFillSync } from 'node:crypto'
import { GatewayError, reasonOf } from '../errors.ts'
import { exportOf, type RunPhase } from './abi/abi.ts'
import { abiNamed } from './abi/builtin.ts'
import { type DataPort, NO_DATA } from './data/data-operation.ts'
import { GuestData } from './data/guest-data.ts'
import type { PluginSetup } from './executor.ts'
import { GuestFuel } from './fuel/guest-fuel.ts'
import { FUNCTIONS_MODULE } from './grant/asked-grant.ts'
import { LOCAL_GRANT } from './grant/grant.ts'
import { GuestCall } from './guest-call.ts'
import type { GuestInput } from './guest-input.ts'
import { GuestMemory } from './guest-memory.ts'
import { GuestMetrics } from './metrics/guest-metrics.ts'
import { GLOBAL_PREFIX, START_EXPORT } from './module/gate-names.ts'
import type { GuestAnswer } from './outbound/guest-ask.ts'
import { GuestCalls, type GuestStep } from './outbound/guest-calls.ts'
import type { Denials } from './outbound/guest-services.ts'

/** Optional: what the SDK exports for whoever looks for leaks. */
const LIVE_BYTES_EXPORT = 'penstock_live_bytes'

/** What a test or a measurement puts in place of the host's own; the gateway leaves it as it is. */
export interface InstanceSeams {
  /** The clock behind `now`. */
  readonly wallMs: () => number
  /** What fills random bytes. */
  readonly random: (bytes: Uint8Array) => void
  /** A window on the memory that looks at what passes; null for the usual one. */
  readonly memory: GuestMemory | null
  /** False: every host call is the host's own, and passes by `memory`. */
  readonly canLookUp: boolean
  /** Stands around the host calls; null for none. */
  readonly wrap: ((calls: WebAssembly.ModuleImports) => WebAssembly.ModuleImports) | null
}

export const HOST_SEAMS: InstanceSeams = {
  wallMs: Date.now,
  random: (bytes) => void randomFillSync(bytes),
  memory: null,
  canLookUp: true,
  wrap: null,
}

/**
 * One instance of a module with its own memory. It keeps nothing between calls that the host relies on;
 * after a call that threw, its state is unknown and it must be dropped.
 */
export class Instance {
  readonly call: GuestCall
  readonly #denied: (denials: Denials) => void
  readonly #metrics: GuestMetrics
  /** Null for a module that never waits. */
  readonly #calls: GuestCalls | null
  readonly #memory: GuestMemory
  readonly #runPhase: RunPhase
  /** For the guest's instructions, and as much again for host calls. */
  readonly #budget: number
  /** Null for a module that did not pass the gate (tests only). */
  readonly #fuel: GuestFuel | null
  readonly #snapshot: Snapshot | null
  readonly #liveBytes: (() => number) | null

  /**
   * Instantiates, initializes and configures. Fails with GUEST_START. Bounded by the caller's deadline.
   * `data` is the way to the namespace of `setup`; `denied` hears once a call of what was denied in it;
   * `isLocal` is for who applies the changes in this thread, right after the call.
   */
  constructor(
    setup: PluginSetup,
    log: (level: number, message: string) => void,
    data: DataPort = NO_DATA,
    seams: InstanceSeams = HOST_SEAMS,
    denied: (denials: Denials) => void = () => undefined,
    isLocal = false,
  ) {
    this.#denied = denied
    const memory = seams.memory ?? new GuestMemory()
    this.#memory = memory
    this.#budget = setup.fuel
    memory.hostFuel = setup.fuel
    this.call = new GuestCall(setup.grant ?? LOCAL_GRANT, isLocal)
    this.#metrics = new GuestMetrics(this.call)
    const canWait = setup.canWait ?? false
    this.#calls = canWait ? new GuestCalls(this.call) : null
    const guest = abiNamed(setup.abi).link({
      memory,
      call: this.call,
      data: new GuestData(setup.data === null ? NO_DATA : data, memory, this.call),
      metrics: this.#metrics,
      calls: this.#calls,
      functions: functionsOf(setup.module),
      canLookUp: seams.canLookUp,
      parameters: setup.parameters,
      secrets: setup.secrets ?? NO_SECRETS,
      random: seams.random,
      wallMs: seams.wallMs,
      log,
    })
    const imports = seams.wrap === null ? guest.imports : wrapped(guest.imports, seams.wrap)
    try {
      const { exports } = new WebAssembly.Instance(setup.module, imports)
      memory.attach(exports['memory'] as WebAssembly.Memory)
      this.#fuel = GuestFuel.of(exports, setup.fuel)
      this.#refuel()
      exportOf(exports, START_EXPORT)?.()
      this.#runPhase = guest.start(exports)
      this.#liveBytes = exportOf<() => number>(exports, LIVE_BYTES_EXPORT)
      this.#snapshot = setup.reset === 'request' ? new Snapshot(exports) : null
    } catch (error) {
      throw new GatewayError('GUEST_START', { reason: this.explain(error) }, error)
    }
  }

  /** What stopped the guest, in words. */
  explain(error: unknown): string {
    if (error instanceof Error && error.name === 'SuspendError') {
      return 'it cannot wait for an answer while it starts'
    }
    return this.isDry ? 'out of fuel' : reasonOf(error)
  }

  /** Did the guest run out of fuel? Asked after a call that threw. */
  get isDry(): boolean {
    return this.#fuel?.isDry === true || this.#memory.hostFuel < 0
  }

  /** Fuel the last call has used: instructions and, for host calls, bytes. */
  get fuelUsed(): number {
    return (this.#fuel?.used ?? 0) + this.#budget - this.#memory.hostFuel
  }

  /** False when it cannot be made as it was: then it is dropped, and the next call gets a new one. */
  get canReset(): boolean {
    return this.#snapshot === null || this.#snapshot.fits
  }

  #refuel(): void {
    this.#fuel?.fill()
    this.#memory.hostFuel = this.#budget
  }

  /** Bytes of the instance's memory now. */
  get memoryBytes(): number {
    return this.#memory.byteLength
  }

  /** Bytes of the objects that are in use, after a collection; null for a module that cannot tell. */
  liveBytes(): number | null {
    if (this.#liveBytes === null) return null
    this.#refuel()
    return this.#liveBytes()
  }

  /**
   * Runs one phase and returns what the guest returned; its changes are in `call.changes` and `call.noted`. Throws
   * whatever stopped the guest. For a guest that can wait there are `begin` and `resume`.
   */
  run(input: GuestInput): number {
    try {
      const value = this.#enter(input)
      if (typeof value !== 'number') throw new TypeError('a guest that can wait is not run at once')
      this.call.finish()
      this.#metrics.flush()
      return value
    } finally {
      if (this.call.denials !== null) this.#tellDenials()
    }
  }

  /**
   * As `run`, to the guest's first step: it has returned, or waits for an answer, with which `resume` lets
   * it go on. Until its last step nothing else may enter the instance. Rejects with what stopped the guest.
   */
  async begin(input: GuestInput): Promise<GuestStep> {
    if (this.#calls === null) return { ask: null, value: this.run(input) }
    return await this.#step(this.#calls.begin(() => this.#enter(input)))
  }

  /** Only for an instance that waits. */
  async resume(answer: GuestAnswer): Promise<GuestStep> {
    if (this.#calls === null) throw new TypeError('a guest that cannot wait has no answers')
    this.#memory.charge(answer.head.length + answer.body.length)
    return await this.#step(this.#calls.resume(answer))
  }

  async #step(next: Promise<GuestStep>): Promise<GuestStep> {
    try {
      const step = await next
      if (step.ask !== null) return step
      // As `run` does for a guest that cannot wait: a number below zero means something else in a thread.
      if (step.value < 0 && !this.call.hasReplied) {
        throw new GatewayError('GUEST_RESULT', { value: step.value })
      }
      this.call.finish()
      this.#metrics.flush()
      return step
    } finally {
      if (this.call.denials !== null) this.#tellDenials()
    }
  }

  #tellDenials(): void {
    if (this.call.denials === null) return
    this.#denied([...this.call.denials])
    this.call.denials = null
  }

  #enter(input: GuestInput): number | Promise<number> {
    this.call.load(input)
    if (this.#snapshot !== null) this.#snapshot.restore()
    this.#refuel()
    return this.#runPhase(input.phase)
  }
}

const NO_SECRETS: ReadonlyMap<string, string> = new Map()

/** Names of the embedder's functions a module imports. */
function functionsOf(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module).flatMap((one) =>
    one.module === FUNCTIONS_MODULE ? [one.name] : [],
  )
}

/**
 * The state of an instance after its start: memory and mutable globals. Putting it back costs 0.5 to 2 us,
 * a new instance 60 to 80.
 */
class Snapshot {
  readonly #memory: WebAssembly.Memory
  readonly #bytes: Uint8Array
  readonly #globals: readonly { readonly global: WebAssembly.Global; readonly value: unknown }[]

  constructor(exports: WebAssembly.Exports) {
    this.#memory = exports['memory'] as WebAssembly.Memory
    this.#bytes = new Uint8Array(this.#memory.buffer).slice()
    this.#globals = Object.entries(exports)
      .filter(([name]) => name.startsWith(GLOBAL_PREFIX))
      .map(([, value]) => value as WebAssembly.Global)
      .map((global) => ({ global, value: global.value as unknown }))
  }

  /** Memory cannot shrink: an instance whose memory grew is never as it was. */
  get fits(): boolean {
    return this.#memory.buffer.byteLength === this.#bytes.length
  }

  restore(): void {
    new Uint8Array(this.#memory.buffer).set(this.#bytes)
    for (const { global, value } of this.#globals) global.value = value
  }
}

function wrapped(
  imports: WebAssembly.Imports,
  wrap: NonNullable<InstanceSeams['wrap']>,
): WebAssembly.Imports {
  return Object.fromEntries(Object.entries(imports).map(([module, calls]) => [module, wrap(calls)]))
}
