import { GatewayError } from '../errors.ts'
import { LIVE_INTERVAL_MS, MAX_NOTICES, MAX_WATCHERS } from './limits.ts'
import type { LiveEvent, Notice } from './record.ts'
import type { Recorder } from './recorder.ts'
import type { Recording } from './recording.ts'

/** One who looks on. */
export interface Watcher {
  send(event: LiveEvent): void
  /** Nothing more will come. */
  end(): void
}

/**
 * Tells those who look on what is recorded, as it happens. Changes of LIVE_INTERVAL_MS travel together:
 * a gateway under load must not spend itself on its inspector.
 */
export class LiveFeed {
  readonly #recorder: Recorder
  readonly #watchers = new Set<Watcher>()
  readonly #changed = new Set<Recording>()
  readonly #notices: Notice[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(recorder: Recorder) {
    this.#recorder = recorder
    recorder.onChange = (recording) => this.#note(recording)
  }

  /** Throws INSPECT_BUSY when MAX_WATCHERS look on already. */
  requireRoom(): void {
    if (this.#watchers.size < MAX_WATCHERS) return
    throw new GatewayError('INSPECT_BUSY', { limit: MAX_WATCHERS })
  }

  /** Sends everything there is, then every change. Returns what ends it. */
  watch(watcher: Watcher): () => void {
    const exchanges = this.#recorder.list().map((recording) => recording.summary())
    watcher.send({ type: 'start', exchanges, notices: this.#notices })
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  notice(kind: Notice['kind'], text: string): void {
    const notice: Notice = { kind, at: new Date().toISOString(), text }
    this.#notices.push(notice)
    if (this.#notices.length > MAX_NOTICES) this.#notices.shift()
    this.#send({ type: 'notice', notice })
  }

  cleared(): void {
    this.#changed.clear()
    this.#send({ type: 'cleared' })
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const watcher of this.#watchers) watcher.end()
    this.#watchers.clear()
  }

  #note(recording: Recording): void {
    if (this.#watchers.size === 0) return
    this.#changed.add(recording)
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      // What was dropped since is not worth telling.
      const exchanges = [...this.#changed]
        .filter((one) => this.#recorder.get(one.id) === one)
        .map((one) => one.summary())
      this.#changed.clear()
      if (exchanges.length > 0) this.#send({ type: 'exchanges', exchanges })
    }, LIVE_INTERVAL_MS).unref()
  }

  #send(event: LiveEvent): void {
    for (const watcher of this.#watchers) watcher.send(event)
  }
}
