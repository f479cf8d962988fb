import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GATE_VERSION, type GatedModule, type GateReport, gateModule } from './gate.ts'
import { gateInThread } from './gate-in-thread.ts'
import type { ModuleLimits } from './module-limits.ts'
import { OffsetMap } from './offset-map.ts'

/** Results kept on disk; past it the ones written longest ago are removed. */
export const MAX_CACHED_MODULES = 256

/** Larger modules are gated in a thread of their own: 512 KiB hold the event loop for up to 30 ms. */
const MAX_INLINE_BYTES = 512 * 1024

const SUFFIX = '.gated'
const DIGEST_BYTES = 32

/**
 * The gate with a memory on disk. A result is kept under the module's digest, the version of the
 * gate and the limits, so a change of any of them runs the gate again. The directory holds nothing
 * that cannot be made anew: a file that is damaged or cannot be written is only slower.
 *
 * ```
 *  file   sha256 of the rest | length u32 | JSON report | length u32 | offset map | module
 * ```
 */
export class GateCache {
  readonly #directory: string
  readonly #maximum: number
  readonly #onProblem: (error: unknown) => void
  /** Callers that ask for the same module at the same time share one run. */
  readonly #running = new Map<string, Promise<GatedModule>>()

  /** `onProblem` hears of files that could not be read or written; gating goes on without them. */
  constructor(
    directory: string,
    onProblem: (error: unknown) => void,
    maximum: number = MAX_CACHED_MODULES,
  ) {
    this.#directory = directory
    this.#onProblem = onProblem
    this.#maximum = maximum
  }

  /**
   * The gated form of a module. It works on a copy, so the digest, the check and the result are of
   * the same bytes (case W35). Rejects as `gateModule` throws; a refusal is not kept.
   */
  gate(module: Uint8Array, limits: ModuleLimits): Promise<GatedModule> {
    const bytes = Uint8Array.from(module)
    const key = cacheKey(bytes, limits)
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const run = this.#gate(key, bytes, limits).finally(() => this.#running.delete(key))
    this.#running.set(key, run)
    return run
  }

  async #gate(key: string, bytes: Uint8Array, limits: ModuleLimits): Promise<GatedModule> {
    const path = join(this.#directory, key + SUFFIX)
    const known = await this.#read(path)
    if (known !== null) return known
    const isLarge = bytes.length > MAX_INLINE_BYTES
    const gated = isLarge ? await gateInThread(bytes, limits) : gateModule(bytes, limits)
    await this.#write(path, gated)
    return gated
  }

  async #read(path: string): Promise<GatedModule | null> {
    try {
      return decode(await readFile(path))
    } catch (error) {
      if (!isMissing(error)) this.#onProblem(error)
      return null
    }
  }

  async #write(path: string, gated: GatedModule): Promise<void> {
    const temporary = `${path}.${randomUUID()}.tmp`
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await writeFile(temporary, encode(gated), { mode: 0o600 })
      await rename(temporary, path)
      await this.#removeOldest()
    } catch (error) {
      this.#onProblem(error)
      await rm(temporary, { force: true }).catch(this.#onProblem)
    }
  }

  async #removeOldest(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith(SUFFIX))
    if (names.length <= this.#maximum) return
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#directory, name)
        return { path, writtenAtMs: (await stat(path)).mtimeMs }
      }),
    )
    files.sort((a, b) => a.writtenAtMs - b.writtenAtMs)
    for (const { path } of files.slice(0, files.length - this.#maximum)) {
      await rm(path, { force: true })
    }
  }
}

function cacheKey(bytes: Uint8Array, limits: ModuleLimits): string {
  const entries = Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(createHash('sha256').update(bytes).digest())
    .update(JSON.stringify([GATE_VERSION, entries]))
    .digest('hex')
}

function encode(gated: GatedModule): Uint8Array {
  const report = Buffer.from(JSON.stringify(gated.report))
  const map = gated.offsetMap.encode()
  const body = Buffer.concat([lengthOf(report), report, lengthOf(map), map, gated.bytes])
  return Buffer.concat([createHash('sha256').update(body).digest(), body])
}

/** Throws on bytes `encode` has not made; the digest in front finds every damage. */
function decode(file: Buffer): GatedModule {
  const body = file.subarray(DIGEST_BYTES)
  const digest = createHash('sha256').update(body).digest()
  if (!digest.equals(file.subarray(0, DIGEST_BYTES))) {
    throw new RangeError('a file of the module cache is damaged')
  }
  const reportEnd = 4 + body.readUInt32LE(0)
  const mapStart = reportEnd + 4
  const mapEnd = mapStart + body.readUInt32LE(reportEnd)
  // Only this file writes here, and the digest matched, so the JSON has the report's shape.
  const report = JSON.parse(body.toString('utf8', 4, reportEnd)) as GateReport
  return {
    bytes: Uint8Array.from(body.subarray(mapEnd)),
    offsetMap: OffsetMap.decode(body.subarray(mapStart, mapEnd)),
    report,
  }
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return length
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
