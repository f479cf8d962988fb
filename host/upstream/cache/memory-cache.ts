import type { Clock } from '../../clock.ts'
import { Body } from '../../exchange/body.ts'
import { Headers } from '../../exchange/headers.ts'
import type { Request } from '../../exchange/request.ts'
import { Response } from '../../exchange/response.ts'
import { type BodyListener, tapBody } from '../body-tap.ts'
import { BYPASS, type CacheSpec, freshnessMs, requestRule, USE } from './cache-rules.ts'

/** Answers kept for one address that differ by the fields that Vary names. */
export const MAX_VARIANTS = 32
/** What an entry costs beside its texts and bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 512

/** An answer to a GET. One to a HEAD is never kept: it says nothing that the former does not. */
interface Entry {
  /** Names that Vary lists, in lowercase, and what the request had for them. */
  readonly varyNames: readonly string[]
  readonly varyValues: readonly string[]
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
  readonly storedAtMs: number
  readonly freshMs: number
  readonly bytes: number
}

/**
 * Answers of the upstream kept in memory for a short time: a shared cache in the sense of RFC 9111 that
 * never revalidates. The key is the whole address with its query; Easegress leaves the query out, and
 * answers `?user=2` with what `?user=1` got. Past its total size the address used longest ago goes.
 */
export class MemoryCache {
  readonly #spec: CacheSpec
  readonly #clock: Clock
  /** By address; the one used last stands last. */
  readonly #addresses = new Map<string, Entry[]>()
  #bytes = 0
  #hits = 0
  #misses = 0

  constructor(spec: CacheSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
  }

  /** The answer for a request, or null when the upstream has to be asked. */
  find(request: Request): Response | null {
    if (requestRule(request, this.#spec) !== USE) return null
    const address = addressOf(request)
    const entries = this.#addresses.get(address)
    const nowMs = this.#clock.monotonicMs()
    const entry = entries?.find(
      (one) => nowMs - one.storedAtMs < one.freshMs && isFor(one, request),
    )
    if (entries === undefined || entry === undefined) {
      this.#misses += 1
      return null
    }
    this.#hits += 1
    this.#addresses.delete(address)
    this.#addresses.set(address, entries)
    return answerFrom(entry, request, nowMs)
  }

  /**
   * Keeps an answer when both sides allow it; its body is recorded on its way to the client. An answer to a
   * request that changes something drops what is kept of the address (RFC 9111, section 4.4).
   */
  record(request: Request, response: Response): void {
    if (requestRule(request, this.#spec) === BYPASS) {
      if (!isSafe(request.method) && response.status < 400) this.#drop(addressOf(request))
      return
    }
    const freshMs = freshnessMs(response, this.#spec, this.#clock.wallMs())
    const { body } = response
    if (request.method !== 'GET' || freshMs <= 0) return
    if (body.announcedLength > this.#spec.maxEntryBytes) return
    const entry = entryOf(request, response, freshMs, this.#clock.monotonicMs())
    const address = addressOf(request)
    const store = (bytes: Buffer): void => this.#store(address, entry, bytes)
    if (body.isWhole) {
      if (body.trailers === null && body.whole().length <= this.#spec.maxEntryBytes) {
        store(body.whole())
      }
    } else response.body = tapBody(body, new Recorder(this.#spec.maxEntryBytes, store))
  }

  status(): unknown {
    const { size } = this.#addresses
    return { addresses: size, bytes: this.#bytes, hits: this.#hits, misses: this.#misses }
  }

  #store(address: string, draft: Omit<Entry, 'body' | 'bytes'>, body: Buffer): void {
    const bytes = address.length + sizeOf(draft.headers) + body.length + ENTRY_OVERHEAD_BYTES
    if (bytes > this.#spec.maxTotalBytes) return
    const nowMs = this.#clock.monotonicMs()
    const kept = (this.#addresses.get(address) ?? []).filter(
      (one) => nowMs - one.storedAtMs < one.freshMs && !isSameVariant(one, draft),
    )
    this.#drop(address)
    const entries = [...kept.slice(1 - MAX_VARIANTS), { ...draft, body, bytes }]
    this.#addresses.set(address, entries)
    for (const one of entries) this.#bytes += one.bytes
    for (const oldest of this.#addresses.keys()) {
      if (this.#bytes <= this.#spec.maxTotalBytes) break
      this.#drop(oldest)
    }
  }

  #drop(address: string): void {
    const entries = this.#addresses.get(address)
    if (entries === undefined) return
    for (const entry of entries) this.#bytes -= entry.bytes
    this.#addresses.delete(address)
  }
}

/** Collects a body while it passes; gives up when it grows too large or breaks off. */
class Recorder implements BodyListener {
  readonly #maxBytes: number
  readonly #store: (bytes: Buffer) => void
  #chunks: Buffer[] = []
  #bytes = 0
  #isOver = false

  constructor(maxBytes: number, store: (bytes: Buffer) => void) {
    this.#maxBytes = maxBytes
    this.#store = store
  }

  onChunk(chunk: Buffer): null {
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) this.onFail()
    else if (!this.#isOver) this.#chunks.push(chunk)
    return null
  }

  onEnd(): void {
    // A copy: a chunk may be a small part of a large buffer of the socket.
    if (!this.#isOver) this.#store(Buffer.concat(this.#chunks, this.#bytes))
    this.#chunks = []
  }

  onFail(): void {
    this.#isOver = true
    this.#chunks = []
  }
}

function addressOf(request: Request): string {
  return `${request.scheme}://${request.host.toLowerCase()}${request.target}`
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE'
}

function entryOf(
  request: Request,
  response: Response,
  freshMs: number,
  nowMs: number,
): Omit<Entry, 'body' | 'bytes'> {
  const names = response.headers.getAll('vary').join(',').toLowerCase().split(',')
  const varyNames = [...new Set(names.map((name) => name.trim()))]
    .filter((name) => name !== '')
    .sort()
  return {
    varyNames,
    varyValues: varyNames.map((name) => fieldOf(request, name)),
    status: response.status,
    headers: response.headers.list.slice(),
    storedAtMs: nowMs,
    freshMs,
  }
}

function fieldOf(request: Request, name: string): string {
  return request.headers.getAll(name).join(', ')
}

function isFor(entry: Entry, request: Request): boolean {
  return entry.varyNames.every((name, at) => fieldOf(request, name) === entry.varyValues[at])
}

function isSameVariant(one: Entry, other: Pick<Entry, 'varyNames' | 'varyValues'>): boolean {
  return (
    one.varyNames.join() === other.varyNames.join() &&
    one.varyValues.every((value, at) => value === other.varyValues[at])
  )
}

function sizeOf(headers: readonly string[]): number {
  return headers.reduce((sum, text) => sum + text.length + 4, 0)
}

function answerFrom(entry: Entry, request: Request, nowMs: number): Response {
  const headers = new Headers(entry.headers.slice())
  const former = Number(headers.get('age') ?? 0)
  const seconds = Math.floor((nowMs - entry.storedAtMs) / 1_000)
  headers.set('age', String((Number.isNaN(former) ? 0 : former) + seconds))
  const tag = headers.get('etag')
  const wanted = request.headers.get('if-none-match')
  if (
    entry.status === 200 &&
    tag !== undefined &&
    wanted !== undefined &&
    matchesTag(wanted, tag)
  ) {
    return new Response(304, headers)
  }
  return new Response(entry.status, headers, Body.bytes(entry.body))
}

/** Weak comparison: the bytes may differ, the meaning is the same (RFC 9110, section 13.1.2). */
function matchesTag(wanted: string, tag: string): boolean {
  const opaque = tag.replace(/^W\//, '')
  return wanted.split(',').some((one) => {
    const text = one.trim()
    return text === '*' || text.replace(/^W\//, '') === opaque
  })
}
