import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runHttp2, STREAMS } from './h2load.ts'
import { ServerProcess, stopAll } from './process.ts'
import { Progress } from './progress.ts'
import { inRounds } from './rounds.ts'
import { median } from './statistics.ts'
import { type LoadResult, needWrk, runWrk } from './wrk.ts'

/** The core of what is measured, and the core of the upstream and of the load. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

export const CONNECTIONS = 64

/**
 * A sample is made of slices that alternate with those of the reference. On a shared machine the CPU time of
 * a request drifts by half within seconds; what changes more slowly than two slices hits both alike.
 */
const SLICES = 3

/** Seconds of one slice, the shortest that wrk can do: CPU ticks of 10 ms are 1 % of it. */
const SLICE_SECONDS = 1

/** Seconds of load at a time while warming up. */
const WARM_UP_SECONDS = 2

/** Requests before the first sample: V8 goes on compiling hot code for tens of thousands of them. */
const WARM_UP_REQUESTS = 40_000

/** Warming up takes no longer than this, however slow the target is. */
const WARM_UP_MS = 10_000

/**
 * How often everything is started anew: from one start of a process to the next the same program differs
 * by several percent, more than two samples of one process do.
 */
const LIVES = 3

/** Something that proxies to the upstream of the benchmarks. */
export interface Target {
  readonly name: string
  /** Name and version as they are reported, and the settings that matter. */
  readonly version: string
  /** What it can be asked in. */
  readonly protocols: readonly Protocol[]
  /**
   * Starts listening on `port`; `folder` is its own, for configuration files. With a certificate it speaks
   * TLS, and HTTP/2 with those who choose it.
   */
  command(
    port: number,
    upstreamPort: number,
    folder: string,
    certificate: CertificateFiles | null,
  ): readonly string[]
}

/** `https` is HTTP/1.1 over TLS, `h2` is HTTP/2 over TLS. */
export type Protocol = 'http' | 'https' | 'h2'

export const ALL_PROTOCOLS: readonly Protocol[] = ['http', 'https', 'h2']

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

const PKI = join(import.meta.dirname, '../../test/support/pki')

/** Everybody shows the same one: a P-256 key, without a chain. */
const CERTIFICATE: CertificateFiles = {
  cert: join(PKI, 'localhost.pem'),
  key: join(PKI, 'localhost.key'),
}

/** What is asked of every target. */
export interface Workload {
  /** As it stands above its table. */
  readonly name: string
  readonly path: string
  /** A script of wrk that makes the requests; null for GET. */
  readonly script: string | null
  readonly protocol: Protocol
}

export const GET_1_KB: Workload = {
  name: 'GET 1 KB',
  path: '/bench',
  script: null,
  protocol: 'http',
}

/** One sample of one target. */
export interface Sample {
  readonly cpuUs: number
  readonly requestsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** All samples of one target. */
export class Measured {
  readonly target: Target
  readonly samples: Sample[] = []
  /** What the reference showed at the same time: right before or right after each sample. */
  readonly references: Sample[] = []
  /** After the last sample. */
  residentBytes = 0

  constructor(target: Target) {
    this.target = target
  }
}

/** The method of every end-to-end benchmark, in a sentence. */
export const METHOD =
  `${CONNECTIONS} connections, the server with all its threads on core ${SERVER_CORE}, ` +
  `wrk and upstream on core ${LOAD_CORE}, pairs of samples of ${SLICES} x ${SLICE_SECONDS} s in turn, ` +
  `all started ${LIVES} times; ` +
  'decided on CPU time per request'

/** What is different where TLS is spoken. */
export const TLS_METHOD =
  'TLS 1.3 with a certificate of P-256, where each second begins with the full handshakes of all connections; HTTP/2 is asked by h2load, ' +
  `${CONNECTIONS / STREAMS} connections with ${STREAMS} requests at a time each`

/**
 * Runs all targets in front of the upstream and measures each once per round, each time beside a sample of
 * the first one, the reference: what the machine does to one it does to the other too. Every target has a
 * process of the reference for itself: one that served all pairs would get several times the load, and V8
 * would compile it better. All are started anew a few times on the way.
 */
export async function measureTargets(
  targets: readonly Target[],
  rounds: number,
  workload: Workload = GET_1_KB,
): Promise<readonly Measured[]> {
  needWrk()
  const [reference, ...others] = targets.map((target) => new Measured(target))
  if (reference === undefined) throw new RangeError('no targets')
  const lives = Math.min(LIVES, rounds)
  const progress = new Progress(others.length * (rounds + 4 * lives))
  for (let life = 0; life < lives; life++) {
    const roundsOfLife = Math.floor((rounds + life) / lives)
    progress.say(`start ${life + 1}/${lives}: `)
    await measureOneLife(reference, others, roundsOfLife, progress, workload)
  }
  progress.done()
  return [reference, ...others]
}

/** Starts everything, measures, and stops everything. */
async function measureOneLife(
  reference: Measured,
  others: readonly Measured[],
  rounds: number,
  progress: Progress,
  workload: Workload,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  try {
    const pairs = await startAll(reference, others, folder, progress, workload)
    await inRounds(pairs, rounds, progress, async ({ own, beside, measured }, round) => {
      const [sample, referenceSample] = await measurePair(own, beside, round % 2 === 0, workload)
      measured.samples.push(sample)
      measured.references.push(referenceSample)
      reference.samples.push(referenceSample)
      reference.references.push(referenceSample)
    })
    for (const { measured, own, beside } of pairs) {
      measured.residentBytes = own.server.residentBytes()
      reference.residentBytes = beside.server.residentBytes()
    }
  } finally {
    await stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A target and the reference it is measured beside. */
interface Pair {
  readonly name: string
  readonly measured: Measured
  readonly own: Running
  readonly beside: Running
}

interface Running {
  readonly server: ServerProcess
  readonly port: number
}

async function startAll(
  reference: Measured,
  others: readonly Measured[],
  folder: string,
  progress: Progress,
  workload: Workload,
): Promise<readonly Pair[]> {
  const upstream = join(import.meta.dirname, '../upstream.ts')
  const upstreamCommand = [process.execPath, upstream, String(FIRST_PORT)]
  await ServerProcess.start('upstream', upstreamCommand, { core: LOAD_CORE, port: FIRST_PORT })
  let port = FIRST_PORT
  const start = async ({ target }: Measured): Promise<Running> => {
    progress.step(`starting ${target.name}`)
    port += 1
    const certificate = workload.protocol === 'http' ? null : CERTIFICATE
    const ownFolder = mkdtempSync(join(folder, 'target-'))
    const command = target.command(port, FIRST_PORT, ownFolder, certificate)
    const server = await ServerProcess.start(target.name, command, { core: SERVER_CORE, port })
    return { server, port }
  }
  const pairs: Pair[] = []
  for (const measured of others) {
    const { name } = measured.target
    pairs.push({ name, measured, own: await start(measured), beside: await start(reference) })
  }
  for (const { name, own, beside } of pairs) {
    progress.step(`warming up ${name}`)
    await warmUp(own.port, workload)
    progress.step(`warming up ${reference.target.name} beside it`)
    await warmUp(beside.port, workload)
  }
  return pairs
}

/** The port of the upstream; what is measured listens on those after it. */
export const FIRST_PORT = 19_500

/** Requests until the code is compiled. */
export async function warmUp(port: number, workload: Workload = GET_1_KB): Promise<void> {
  const deadline = Date.now() + WARM_UP_MS
  for (let requests = 0; requests < WARM_UP_REQUESTS && Date.now() < deadline; ) {
    requests += (await load(port, WARM_UP_SECONDS, workload)).requests
  }
}

/** A sample of each, slice by slice in turn; who begins changes from slice to slice. */
async function measurePair(
  own: Running,
  beside: Running,
  ownFirst: boolean,
  workload: Workload,
): Promise<readonly [Sample, Sample]> {
  const slices: readonly [Slice[], Slice[]] = [[], []]
  for (let i = 0; i < SLICES; i++) {
    const isOwnFirst = ownFirst === (i % 2 === 0)
    if (isOwnFirst) slices[0].push(await measureSlice(own, workload))
    slices[1].push(await measureSlice(beside, workload))
    if (!isOwnFirst) slices[0].push(await measureSlice(own, workload))
  }
  return [sampleOf(slices[0]), sampleOf(slices[1])]
}

interface Slice extends LoadResult {
  readonly cpuUs: number
}

async function measureSlice({ server, port }: Running, workload: Workload): Promise<Slice> {
  const before = server.cpuUs()
  const result = await load(port, SLICE_SECONDS, workload)
  // A refusal is cheaper than an answer: a figure with one among its samples says nothing.
  if (result.requests === 0 || result.failures > 0) {
    throw new Error(`${server.name}: ${result.failures} of ${result.requests} requests failed`)
  }
  return { ...result, cpuUs: server.cpuUs() - before }
}

function sampleOf(slices: readonly Slice[]): Sample {
  const sum = (of: (slice: Slice) => number): number =>
    slices.reduce((total, slice) => total + of(slice), 0)
  return {
    cpuUs: sum(({ cpuUs }) => cpuUs) / sum(({ requests }) => requests),
    requestsPerSecond: sum(({ requestsPerSecond }) => requestsPerSecond) / slices.length,
    p50Us: median(slices.map(({ p50Us }) => p50Us)),
    p99Us: median(slices.map(({ p99Us }) => p99Us)),
  }
}

function load(
  port: number,
  seconds: number,
  { path, script, protocol }: Workload = GET_1_KB,
): Promise<LoadResult> {
  const common = { port, path, connections: CONNECTIONS, seconds, core: LOAD_CORE }
  if (protocol === 'h2') return runHttp2(common)
  return runWrk({ ...common, script, isSecure: protocol === 'https' })
}
