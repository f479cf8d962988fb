import { fstatSync, write as writeFd } from 'node:fs'
import type { LogDestination } from './log.ts'

/** Characters that may wait for a slow reader. Past it whole lines are dropped and counted. */
export const LOG_BUFFER_LIMIT = 1024 * 1024

/** How long a closing writer waits for its reader. */
export const LOG_CLOSE_TIMEOUT_MS = 1_000

/** Takes bytes and calls back when it has room again; `error` is null when they were written. */
export type ByteTarget = (bytes: Buffer, done: (error: Error | null) => void) => void

/**
 * A line destination that never blocks the event loop: lines gather for a turn of the loop and go out in
 * one write, at most one write is under way, and while the reader stalls at most `limit` characters wait.
 *
 * A library's asynchronous destination drops lines in the same way, but it flushes synchronously when the
 * process ends and hangs there for as long as the reader stalls (test "a process whose log nobody reads
 * keeps its loop running and ends when it is told to").
 */
export class LineWriter implements LogDestination {
  readonly #target: ByteTarget
  readonly #limit: number
  #waiting = ''
  #inFlight = 0
  #dropped = 0
  #isScheduled = false
  #isClosed = false
  #whenIdle: (() => void)[] = []

  constructor(target: ByteTarget, limit: number = LOG_BUFFER_LIMIT) {
    this.#target = target
    this.#limit = limit
  }

  /** Lines lost since the last one that says so. */
  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    if (this.#isClosed) return
    if (this.#waiting.length + this.#inFlight + line.length > this.#limit) {
      this.#dropped += 1
      return
    }
    this.#waiting += line
    if (this.#inFlight > 0 || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#flush)
  }

  /** Waits for the lines taken so far, at most `timeoutMs`; what is written afterwards is lost. */
  async close(timeoutMs: number = LOG_CLOSE_TIMEOUT_MS): Promise<void> {
    this.#isClosed = true
    if (this.#isIdle) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#whenIdle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  get #isIdle(): boolean {
    return this.#waiting === '' && this.#inFlight === 0
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    const text = this.#waiting
    this.#waiting = ''
    this.#inFlight = text.length
    this.#target(Buffer.from(text, 'utf8'), this.#written)
  }

  readonly #written = (error: Error | null): void => {
    this.#inFlight = 0
    if (error !== null) {
      // The reader is gone. A gateway goes on without its log; it must not go down with the reader.
      this.#isClosed = true
      this.#waiting = ''
    } else if (this.#dropped > 0 && !this.#isClosed) {
      this.#waiting += droppedNotice(this.#dropped)
      this.#dropped = 0
    }
    if (this.#waiting !== '') this.#flush()
    else for (const idle of this.#whenIdle.splice(0)) idle()
  }
}

function droppedNotice(count: number): string {
  const line = { level: 'warn', time: new Date().toISOString(), dropped: count }
  return `${JSON.stringify({ ...line, msg: 'log lines were dropped: the reader is too slow' })}\n`
}

/**
 * A writer on standard output or standard error.
 *
 * Pipes and sockets go through the process's own stream, which is asynchronous for them; a write to them
 * in the thread pool would hold the end of the process until the reader takes it. Files and terminals go
 * through the thread pool, because the stream writes to these synchronously, and a terminal stopped with
 * Ctrl-S would stop the traffic.
 */
export function openLineWriter(fd: 1 | 2, limit: number = LOG_BUFFER_LIMIT): LineWriter {
  const kind = fstatSync(fd)
  if (!kind.isFIFO() && !kind.isSocket()) return new LineWriter(fdTarget(fd), limit)
  const stream = fd === 1 ? process.stdout : process.stderr
  // Without a listener the end of the reader would be an uncaught exception; the callback reports it.
  stream.on('error', () => undefined)
  return new LineWriter((bytes, done) => {
    stream.write(bytes, (error) => done(error ?? null))
  }, limit)
}

/** How long to wait when a descriptor that is in non-blocking mode has no room. */
const RETRY_MS = 50

function fdTarget(fd: number): ByteTarget {
  const target: ByteTarget = (bytes, done) => {
    writeFd(fd, bytes, (error, written) => {
      if (error !== null && error.code === 'EAGAIN') setTimeout(target, RETRY_MS, bytes, done)
      else if (error !== null) done(error)
      else if (written < bytes.length) target(bytes.subarray(written), done)
      else done(null)
    })
  }
  return target
}
