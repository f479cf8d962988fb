import { randomBytes } from 'node:crypto'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import { type Pending, promised } from '../exchange/late.ts'
import type { Filter } from '../filters/filter.ts'
import type { FlowNode } from '../traffic/flow.ts'
import type { NamedFilter, TrafficObserver } from '../traffic/observer.ts'
import type { GuestLogLine } from '../wasm/opening/plugin-hooks.ts'
import { MAX_EXCHANGES, MAX_RECORDED_BYTES } from './limits.ts'
import { pluginFolder } from './plugin-folder.ts'
import type { FailureRecord } from './record.ts'
import { Recording, type RecordingOwner, type StepSource } from './recording.ts'
import { serverTiming, takeTimingHeader } from './server-timing.ts'
import { sourceLines } from './source-lines.ts'

/** How a request that is sent again says which exchange it repeats; taken out before any filter sees it. */
export const REPLAY_HEADER = 'x-penstock-replay'

/**
 * Records exchanges: the last MAX_EXCHANGES, and fewer when they hold more than MAX_RECORDED_BYTES.
 * Everything is in memory and goes with the process: a recording holds tokens and bodies of requests.
 */
export class Recorder implements TrafficObserver, RecordingOwner {
  /** Told of every exchange that began, changed or ended. */
  onChange: (recording: Recording) => void = () => undefined
  readonly #recordings = new Map<string, Recording>()
  /** Replays under way: what their header holds, and what they repeat. */
  readonly #replays = new Map<string, { readonly of: string; id: string | null }>()
  #count = 0

  /** The newest first. */
  list(): Recording[] {
    return [...this.#recordings.values()].reverse()
  }

  get(id: string): Recording | undefined {
    return this.#recordings.get(id)
  }

  clear(): void {
    for (const [id, recording] of this.#recordings) {
      if (!recording.isRunning) this.#recordings.delete(id)
    }
  }

  /** The value REPLAY_HEADER must have for a request to count as a replay of `id`. */
  announceReplay(id: string): string {
    const mark = randomBytes(12).toString('hex')
    this.#replays.set(mark, { of: id, id: null })
    return mark
  }

  /** The exchange that came with this mark, or null when none did. The mark is void from now on. */
  endReplay(mark: string): string | null {
    const id = this.#replays.get(mark)?.id ?? null
    this.#replays.delete(mark)
    return id
  }

  watchServer(
    handle: (exchange: Exchange) => void | Pending<void>,
  ): (exchange: Exchange) => void | Pending<void> {
    return (exchange) => {
      const isTimed = takeTimingHeader(exchange)
      const recording = this.#begin(exchange)
      const arrival = recording.arrival(exchange)
      const answered = (): void => {
        if (isTimed && recording.steps.length > 0) {
          exchange.response?.headers.add('Server-Timing', serverTiming(recording.steps))
        }
        recording.answered(exchange)
      }
      const pending =
        arrival === null
          ? promised(handle(exchange))
          : arrival.then(() => promised(handle(exchange)))
      if (pending instanceof Promise) return pending.then(answered)
      answered()
      return undefined
    }
  }

  watchFlow(
    pipeline: string,
    nodes: readonly FlowNode[],
    filters: readonly NamedFilter[],
  ): readonly FlowNode[] {
    const known = new Map(filters.map((one) => [one.filter, one]))
    return nodes.map((node) => {
      if (node.filter === null) return node
      const named = known.get(node.filter)
      const source: StepSource = {
        pipeline,
        filter: named?.name ?? node.label,
        label: node.label,
        kind: named?.kind ?? '',
        plugin: versionOf(node.filter),
        files: node.filter.files ?? [],
        folder: pluginFolder(node.filter.files ?? []),
      }
      return { ...node, filter: new RecordedFilter(node.filter, source) }
    })
  }

  /** A plugin wrote a line of its log. */
  log({ requestId, pipeline, filter, level, text }: GuestLogLine): void {
    this.#recordings.get(requestId)?.log(pipeline, filter, level, text)
  }

  changed(recording: Recording): void {
    this.#evict()
    // It may have been dropped while it ran.
    if (this.#recordings.has(recording.id)) this.onChange(recording)
  }

  sourceOf(places: readonly string[], files: readonly string[]): FailureRecord['source'] {
    return sourceLines(places, files)
  }

  #begin(exchange: Exchange): Recording {
    const replay = this.#takeReplay(exchange)
    this.#count += 1
    const recording = new Recording(exchange, this.#count, replay, this)
    exchange.observer = recording
    this.#recordings.set(recording.id, recording)
    exchange.onDone((end) => recording.finished(end))
    this.changed(recording)
    return recording
  }

  #takeReplay(exchange: Exchange): string | null {
    if (this.#replays.size === 0) return null
    const { headers } = exchange.request
    const replay = this.#replays.get(headers.get(REPLAY_HEADER) ?? '')
    if (replay === undefined) return null
    headers.remove(REPLAY_HEADER)
    replay.id = exchange.id
    return replay.of
  }

  #evict(): void {
    let bytes = 0
    for (const recording of this.#recordings.values()) bytes += recording.bytes
    for (const [id, recording] of this.#recordings) {
      if (this.#recordings.size <= MAX_EXCHANGES && bytes <= MAX_RECORDED_BYTES) return
      bytes -= recording.bytes
      this.#recordings.delete(id)
    }
  }
}

/** A filter with a look before and after each call. */
class RecordedFilter implements Filter {
  readonly #filter: Filter
  readonly #source: StepSource

  constructor(filter: Filter, source: StepSource) {
    this.#filter = filter
    this.#source = source
  }

  handle(scope: MessageScope): string | undefined | Pending<string | undefined> {
    const recording = scope.exchange.observer
    if (!(recording instanceof Recording)) return this.#filter.handle(scope)
    const step = recording.begin(this.#source, scope)
    try {
      const answer = promised(this.#filter.handle(scope))
      if (!(answer instanceof Promise)) {
        recording.end(step, scope, answer)
        return answer
      }
      return answer.then(
        (result) => {
          recording.end(step, scope, result)
          return result
        },
        (error: unknown) => {
          recording.threw(step, scope, error)
          throw error
        },
      )
    } catch (error) {
      recording.threw(step, scope, error)
      throw error
    }
  }
}

/** `version` and the start of the digest of a filter that is a plugin; null for any other. */
function versionOf(filter: Filter): string | null {
  const status = filter.status?.()
  if (typeof status !== 'object' || status === null || !('digest' in status)) return null
  const version = 'version' in status && typeof status.version === 'string' ? status.version : ''
  const digest = String(status.digest).replace(/^sha256:/, '')
  return `${version} ${digest.slice(0, 8)}`.trim()
}
