import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { DataStore } from './data/data-store.ts'
import { ScratchData } from './data/scratch-data.ts'
import type { GuestItem, PluginSetup } from './executor.ts'
import { InlineExecutor } from './inline-executor.ts'
import { digestOf } from './plugin-store.ts'
import type { SourcePlaces } from './source-places.ts'

/** Fuel of a call on a debug build: unoptimized code takes several times as many instructions. */
export const DEBUG_FUEL = 100_000_000

/** What is needed of a debug build to run it. */
export interface DebugBuild {
  readonly module: WebAssembly.Module
  readonly places: SourcePlaces
}

/** Where a call failed, according to the debug build of its plugin. */
export interface DebugTrace {
  readonly reason: string
  /** The place to blame; null when none is known. */
  readonly at: string | null
  /** The whole stack, innermost first. */
  readonly trace: readonly string[]
}

export interface DebugRunOptions {
  readonly setup: PluginSetup
  readonly store: DataStore
  /** The file of the module that failed. */
  readonly file: string
  /** Leads from a module's file to that of its debug build; null when there is none. */
  readonly findBuild: (file: string) => Promise<string | null>
  /** Checks and compiles; fails with the GUEST_* error that says why not. */
  readonly load: (file: string, bytes: Buffer) => Promise<DebugBuild>
}

/**
 * Runs a call that failed a second time, on the debug build of its plugin, to see the whole stack: nothing
 * is inlined there and every function has its name. For development only. The second run leaves nothing
 * behind: what it changes, logs and writes is dropped, and it calls nobody. It starts on an instance that
 * remembers nothing, so a failure that depends on earlier requests may not show again.
 */
export class DebugRun {
  readonly #options: DebugRunOptions
  #digest = ''
  #build: Promise<DebugBuild> | null = null

  constructor(options: DebugRunOptions) {
    this.#options = options
  }

  /**
   * Null when there is no debug build, when the call does not fail on it, when the plugin calls other
   * services, or when what ran was the debug build itself and its stack is known. `item` may change afterwards; it is copied before this returns.
   */
  async explain(item: GuestItem, hasStack: boolean): Promise<DebugTrace | null> {
    const { setup, store, file, findBuild } = this.#options
    // Without the answers it waits for it would go another way.
    if (setup.canWait === true) return null
    const copy = copyOf(item)
    const found = await findBuild(file)
    if (found === null || (found === file && hasStack)) return null
    const { module, places } = await this.#load(found)
    const data = setup.data === null ? undefined : new ScratchData(store, setup.data)
    const executor = new InlineExecutor(
      { ...setup, module, fuel: DEBUG_FUEL },
      () => undefined,
      data,
    )
    const { failure, frames } = executor.submit(copy)
    if (failure === null || frames === null || frames.length === 0) return null
    return { reason: failure.message, at: places.blame(frames), trace: places.explain(frames) }
  }

  /** Compiled once for the same bytes. */
  async #load(file: string): Promise<DebugBuild> {
    const bytes = await readFile(file)
    const digest = digestOf(bytes)
    if (this.#build === null || this.#digest !== digest) {
      this.#digest = digest
      this.#build = this.#options.load(file, bytes)
    }
    return this.#build
  }
}

/** The debug build that `penstock build --debug` writes beside a module; null when there is none. */
export async function debugBuildBeside(file: string): Promise<string | null> {
  const beside = file.replace(/\.wasm$/, '.debug.wasm')
  return beside !== file && existsSync(beside) ? beside : null
}

function copyOf(item: GuestItem): GuestItem {
  const { phase, method, path, query, scheme, host, clientAddress, route, requestId } = item
  const { protocol, requestBody, status, responseBody, context } = item
  return {
    phase,
    method,
    path,
    query,
    scheme,
    host,
    clientAddress,
    route,
    requestId,
    protocol,
    requestHeaders: item.requestHeaders.clone(),
    requestBody,
    status,
    responseHeaders: item.responseHeaders?.clone() ?? null,
    responseBody,
    context,
  }
}
