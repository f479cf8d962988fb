import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { HAS_MESSAGE, Handover, IS_TRAPPED } from './handover.ts'
import type { BatchReply, BatchTask, LaneMemory, ThreadMessage } from './protocol.ts'

/** The worker's file has the extension of this one: TypeScript in a checkout, JavaScript in a package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js',
  import.meta.url,
).href

/** Who hears from a thread. */
export interface ThreadLinkOwner {
  /** The batch that was given last is done. The first is empty: the thread is up. */
  onReply(reply: BatchReply): void
  /** Something it says beside its answers. */
  onMessage(message: ThreadMessage): void
  /** It is gone, by itself. */
  onDied(): void
}

/** One thread of its own pool of Piscina, and the batches that are handed to it, one at a time. */
export class ThreadLink {
  /** The thread is up: it has answered once. */
  readonly ready: Promise<void>
  readonly #owner: ThreadLinkOwner
  readonly #pool: Piscina<MessagePort | null, void>
  readonly #handover = new Handover()
  /** What does not go into shared memory: modules, large bodies. */
  readonly #port: MessagePort
  #isUp: () => void = () => undefined
  #hasFailed: (error: unknown) => void = () => undefined
  #isEnded = false

  constructor(memory: Omit<LaneMemory, 'handover'>, owner: ThreadLinkOwner) {
    this.#owner = owner
    this.#pool = new Piscina({
      filename: THREAD_FILE,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerHistogram: false,
      // A guest's thread inherits nothing of the process: no variables, no flags.
      env: {},
      execArgv: [],
      argv: [],
      resourceLimits: { stackSizeMb: 1 },
      workerData: { ...memory, handover: this.#handover.memory } satisfies LaneMemory,
    })
    this.#pool.on('message', (message: ThreadMessage) => owner.onMessage(message))
    // A thread that dies by itself is noticed below, whether it ran something or was not even up.
    this.#pool.on('error', () => undefined)
    this.#pool.on('workerDestroy', () => this.#died(new Error('the thread ended')))
    this.ready = new Promise((resolve, reject) => {
      this.#isUp = resolve
      this.#hasFailed = reject
    })
    // Whoever waits for `ready` sees the failure; a thread that is closed early has nobody who does.
    this.ready.catch(() => undefined)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#handover.give(0, 0)
    this.#listen(this.#handover.answers)
    this.#startRun(port2)
  }

  get threadId(): number {
    return this.#pool.threads[0]?.threadId ?? -1
  }

  /** Hands a batch over. Only once the one before is answered, the first and empty one too. */
  give(task: BatchTask): void {
    const { answers } = this.#handover
    const isPlain =
      task.installs === null &&
      task.drops === null &&
      task.bodies === null &&
      task.canWait !== true &&
      task.answers == null
    // In the port before the thread looks: messages of one process do not travel.
    if (!isPlain) this.#port.postMessage(task)
    const isListening = this.#handover.give(task.count, isPlain ? 0 : HAS_MESSAGE)
    this.#listen(answers)
    if (!isListening) this.#startRun(null)
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    this.#isEnded = true
    // Whoever waits for a bell that will not ring would be kept for ever.
    this.#handover.ring()
    this.#port.close()
    await this.#pool.destroy()
  }

  /** The first run gets the port. */
  #startRun(port: MessagePort | null): void {
    const given = port === null ? null : (Piscina.move(port) as MessagePort)
    this.#pool.run(given).catch((error: unknown) => this.#died(error))
  }

  #listen(answers: number): void {
    const answered = this.#handover.answered(answers)
    if (answered === null) queueMicrotask(this.#onAnswered)
    else void answered.then(this.#onAnswered)
  }

  readonly #onAnswered = (): void => {
    if (this.#isEnded) return
    this.#isUp()
    const { count, flags } = this.#handover
    if ((flags & HAS_MESSAGE) !== 0) {
      this.#owner.onReply(receiveMessageOnPort(this.#port)?.message as BatchReply)
      return
    }
    const isTrapped = (flags & IS_TRAPPED) !== 0
    this.#owner.onReply({ processed: count, isTrapped, oversize: null })
  }

  #died(error: unknown): void {
    if (this.#isEnded) return
    this.#hasFailed(error)
    this.#owner.onDied()
  }
}
