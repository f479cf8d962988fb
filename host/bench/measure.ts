import { setImmediate as nextTick } from 'node:timers/promises'
import { openModule } from '../testing/open-module.ts'
import { Instance } from '../wasm/instance.ts'
import { appendSection } from './append-section.ts'
import { Counters, CountingExecutor, CountingMemory } from './counting.ts'
import { restartIds, type Sample } from './sample-request.ts'
import { clockOverheadMs, type Distribution, distributionOf, median } from './sampling.ts'
import {
  type BenchModule,
  inlineSubject,
  readBytes,
  type Subject,
  setupFor,
  workerSubject,
} from './subject.ts'

/** Requests before anything is counted or timed: the code is compiled, names are interned, caches filled. */
export const WARM_UP_REQUESTS = 1_000

/** Requests whose counts are averaged. */
export const COUNTED_REQUESTS = 1_000

/** Requests in flight at once where a worker is measured under load: one tick of a busy gateway. */
export const BATCH_REQUESTS = 64

const COMPILE_RUNS = 5
const INSTANTIATE_RUNS = 50

/** What is the same on any machine: these can be held in continuous integration. Per request. */
export interface Counts {
  readonly hostCalls: number
  readonly bytesCopied: number
  readonly fuel: number
  /** The guest's memory at its largest, in bytes. */
  readonly memoryBytes: number
  /** In use after a collection; null for a module without the SDK. */
  readonly liveBytes: number | null
  /** Host calls by name. */
  readonly calls: Readonly<Record<string, number>>
}

/** One way of running a filter. */
export interface Level {
  readonly name: 'inline' | 'inline, reset: request' | 'worker' | 'worker, 64 at once'
  readonly time: Distribution
}

/** Everything measured of one module. */
export interface Measurement {
  readonly compileMs: number
  readonly instantiateUs: number
  readonly counts: Counts
  readonly levels: readonly Level[]
}

/** What a measurement tells whoever waits for it. */
export type OnStep = (step: string) => void

/**
 * Measures a module with one sample request; each level runs for about `durationMs`. Takes some seconds
 * and wants a quiet machine for its times; its counts are exact.
 */
export async function measure(
  module: BenchModule,
  sample: Sample,
  durationMs: number,
  onStep: OnStep,
): Promise<Measurement> {
  onStep('compile')
  const compileMs = await compileTime(module.file)
  onStep('instantiate')
  const instantiateUs = instantiateTime(module)
  const levels: Level[] = []
  const overheadMs = clockOverheadMs()
  for (const reset of ['never', 'request'] as const) {
    const name = reset === 'never' ? 'inline' : 'inline, reset: request'
    onStep(name)
    // What a snapshot cannot hold cannot be put back: a gateway refuses it too.
    if (reset === 'request' && module.opened.gated.report.outsideSnapshot.length > 0) continue
    const subject = await inlineSubject(module, reset)
    levels.push({ name, time: await timeOf(subject, sample, durationMs, overheadMs) })
    await subject.close()
  }
  onStep('worker')
  levels.push(...(await workerLevels(module, sample, durationMs, overheadMs)))
  onStep('counts')
  // Last: counting makes the host calls slower for everybody in this process.
  const counts = await countsOf(module, sample)
  return { compileMs, instantiateUs, counts, levels }
}

/** Reading, checking, gating and compiling. The engine remembers modules: each run gets its own bytes. */
async function compileTime(file: string): Promise<number> {
  const bytes = await readBytes(file)
  const times: number[] = []
  for (let run = 0; run < COMPILE_RUNS; run++) {
    const unique = appendSection(
      bytes,
      'penstock-bench',
      `${process.pid} ${run} ${performance.now()}`,
    )
    const startedAtMs = performance.now()
    await openModule(unique)
    times.push(performance.now() - startedAtMs)
  }
  return median(times)
}

function instantiateTime(module: BenchModule): number {
  const times: number[] = []
  for (let run = 0; run < INSTANTIATE_RUNS; run++) {
    const startedAtMs = performance.now()
    new Instance(setupFor(module, 'never'), () => undefined)
    times.push(performance.now() - startedAtMs)
  }
  return median(times) * 1_000
}

/** Times requests one after the other for a while, at least 200 of them. */
async function timeOf(
  subject: Subject,
  sample: Sample,
  durationMs: number,
  overheadMs: number,
): Promise<Distribution> {
  await warmUp(subject, sample)
  const times: number[] = []
  const endsAtMs = performance.now() + durationMs
  while (times.length < 200 || performance.now() < endsAtMs) {
    for (let i = 0; i < 100; i++) {
      const time = subject.run(sample)
      times.push(typeof time === 'number' ? time : await time)
    }
    // Lets a signal in, and the garbage of the exchanges out.
    await nextTick()
  }
  return distributionOf(times, overheadMs)
}

export async function warmUp(subject: Subject, sample: Sample): Promise<void> {
  for (let i = 0; i < WARM_UP_REQUESTS; i++) await subject.run(sample)
}

async function workerLevels(
  module: BenchModule,
  sample: Sample,
  durationMs: number,
  overheadMs: number,
): Promise<Level[]> {
  const subject = await workerSubject(module)
  try {
    const alone = await timeOf(subject, sample, durationMs, overheadMs)
    const times: number[] = []
    const endsAtMs = performance.now() + durationMs
    while (times.length < 50 || performance.now() < endsAtMs) {
      times.push((await subject.runMany(sample, BATCH_REQUESTS)) / BATCH_REQUESTS)
    }
    return [
      { name: 'worker', time: alone },
      { name: 'worker, 64 at once', time: distributionOf(times) },
    ]
  } finally {
    await subject.close()
  }
}

/** Per request, averaged over the same requests in the same order: the collector's share is the same too. */
export async function countsOf(module: BenchModule, sample: Sample): Promise<Counts> {
  const counters = new Counters()
  const memory = new CountingMemory(counters)
  const random = foreseeable()
  const seams = {
    wallMs: () => FIXED_NOW_MS,
    random,
    memory,
    canLookUp: false,
    wrap: counters.wrap,
  }
  restartIds()
  const subject = await inlineSubject(
    module,
    'never',
    seams,
    (inner) => new CountingExecutor(inner, counters),
  )
  await warmUp(subject, sample)
  counters.reset()
  for (let i = 0; i < COUNTED_REQUESTS; i++) await subject.run(sample)
  const perRequest = (count: number): number => count / COUNTED_REQUESTS
  const calls = [...counters.byName].map(([name, count]) => [name, perRequest(count)] as const)
  const { instance } = subject.executor
  const counts = {
    hostCalls: perRequest(counters.hostCalls),
    bytesCopied: perRequest(counters.bytesCopied),
    fuel: Math.round(perRequest(counters.fuel)),
    memoryBytes: instance?.memoryBytes ?? 0,
    liveBytes: instance?.liveBytes() ?? null,
    calls: Object.fromEntries(calls.sort(([, a], [, b]) => b - a)),
  }
  await subject.close()
  return counts
}

/** A moment as good as any other: counts must not depend on the digits of the time. */
const FIXED_NOW_MS = Date.UTC(2026, 0, 1)

/** Bytes that look random and are the same in every run (a linear congruential generator). */
function foreseeable(): (bytes: Uint8Array) => void {
  let state = 1
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      bytes[i] = state >>> 16
    }
  }
}
