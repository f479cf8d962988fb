import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerProcess, stopAll } from './process.ts'
import { Progress } from './progress.ts'
import { inRounds } from './rounds.ts'
import { needWrk, runWrk } from './wrk.ts'

/** The core of what is measured, and the core of the upstream and of the load. */
const SERVER_CORE = 0
const LOAD_CORE = 1

export const CONNECTIONS = 64

/** Seconds of one sample: long enough for CPU ticks of 10 ms to be half a percent. */
const SAMPLE_SECONDS = 2

/** Requests before the first sample: V8 goes on compiling hot code for tens of thousands of them. */
const WARM_UP_REQUESTS = 60_000

/** Warming up takes no longer than this, however slow the target is. */
const WARM_UP_MS = 20_000

/** Something that proxies to the upstream of the benchmarks. */
export interface Target {
  readonly name: string
  /** Name and version as they are reported, and the settings that matter. */
  readonly version: string
  /** Starts listening on `port`; `folder` is its own, for configuration files. */
  command(port: number, upstreamPort: number, folder: string): readonly string[]
}

/** One sample of one target. */
export interface Sample {
  readonly cpuUs: number
  readonly requestsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

export interface Measured {
  readonly target: Target
  readonly samples: readonly Sample[]
  /** What the reference showed at the same time: right before or right after each sample. */
  readonly references: readonly Sample[]
  /** After the last sample. */
  readonly residentBytes: number
}

/** The method of every end-to-end benchmark, in a sentence. */
export const METHOD =
  `GET 1 KB, ${CONNECTIONS} connections, the server with all its threads on core ${SERVER_CORE}, ` +
  `wrk and upstream on core ${LOAD_CORE}, pairs of samples of ${SAMPLE_SECONDS} s, a round a pair; ` +
  'decided on CPU time per request'

/**
 * Runs all targets in front of the upstream and measures each once per round, each time beside a sample of
 * the first one, the reference: what the machine does to one it does to the other too.
 */
export async function measureTargets(
  targets: readonly Target[],
  rounds: number,
): Promise<readonly Measured[]> {
  needWrk()
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  const progress = new Progress(targets.length * (rounds + 2) - rounds)
  try {
    const upstreamPort = FIRST_PORT
    const upstream = join(import.meta.dirname, '../upstream.ts')
    const upstreamCommand = [process.execPath, upstream, String(upstreamPort)]
    await ServerProcess.start('upstream', upstreamCommand, { core: LOAD_CORE, port: upstreamPort })
    const contestants: Contestant[] = []
    for (const [index, target] of targets.entries()) {
      progress.step(`starting ${target.name}`)
      const port = upstreamPort + 1 + index
      const own = mkdtempSync(join(folder, 'target-'))
      const command = target.command(port, upstreamPort, own)
      const server = await ServerProcess.start(target.name, command, { core: SERVER_CORE, port })
      contestants.push({ name: target.name, target, server, port })
    }
    for (const { name, port } of contestants) {
      progress.step(`warming up ${name}`)
      await warmUp(port)
    }
    const [reference, ...others] = contestants
    if (reference === undefined) throw new RangeError('no targets')
    const pairs = await inRounds(others, rounds, progress, (other, round) =>
      measurePair(reference, other, round),
    )
    const results = others.map((one) => ({
      target: one.target,
      samples: (pairs.get(one) ?? []).map(({ own }) => own),
      references: (pairs.get(one) ?? []).map((pair) => pair.reference),
      residentBytes: one.server.residentBytes(),
    }))
    const samples = results.flatMap(({ references }) => references)
    const residentBytes = reference.server.residentBytes()
    return [{ target: reference.target, samples, references: samples, residentBytes }, ...results]
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

const FIRST_PORT = 19_500

interface Contestant {
  readonly name: string
  readonly target: Target
  readonly server: ServerProcess
  readonly port: number
}

async function warmUp(port: number): Promise<void> {
  const deadline = Date.now() + WARM_UP_MS
  for (let requests = 0; requests < WARM_UP_REQUESTS && Date.now() < deadline; ) {
    requests += (await load(port, SAMPLE_SECONDS)).requests
  }
}

interface Pair {
  readonly own: Sample
  readonly reference: Sample
}

async function measurePair(reference: Contestant, other: Contestant, round: number): Promise<Pair> {
  if (round % 2 === 0) {
    const first = await measure(reference)
    return { reference: first, own: await measure(other) }
  }
  const own = await measure(other)
  return { own, reference: await measure(reference) }
}

async function measure({ server, port }: Contestant): Promise<Sample> {
  const before = server.cpuUs()
  const result = await load(port, SAMPLE_SECONDS)
  const { requests, requestsPerSecond, p50Us, p99Us, failures } = result
  const cpuUs = (server.cpuUs() - before) / requests
  // A refusal is cheaper than an answer: a figure with one among its samples says nothing.
  if (requests === 0 || failures > 0) {
    throw new Error(`${server.name}: ${failures} of ${requests} requests failed`)
  }
  return { cpuUs, requestsPerSecond, p50Us, p99Us }
}

function load(port: number, seconds: number): ReturnType<typeof runWrk> {
  return runWrk({ port, path: '/bench', connections: CONNECTIONS, seconds, core: LOAD_CORE })
}
