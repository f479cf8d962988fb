/**
 * What is done at the end of a turn of the event loop, in this order: what was read is handled, what goes to
 * other threads is handed over, what goes to sockets is sent.
 */
export const TurnPhase = { handle: 0, hand: 1, send: 2 } as const
export type TurnPhase = (typeof TurnPhase)[keyof typeof TurnPhase]

/** Something that waits for the end of the turn. */
export interface TurnTask {
  /** Its phase is here. Does not throw; one that does all the same does not take others with it. */
  onTurn(): void
}

/** So many tasks of one phase wait, at most; with one more they run at once. */
export const TURN_TASKS = 64

/**
 * The end of a turn of the event loop, in phases. Between two reads the work for a request finds neither its
 * code nor its data in the caches: the kernel was there in between. One after the other requests keep both warm.
 * A task waits for what else the turn brought, and never for time. Promises that are kept in one phase are heard
 * before the next.
 *
 *     reads ──▶ handle ──▶ hand ──▶ send ──▶ reads of the next turn
 */
export class Turn {
  readonly #tasks: readonly TurnTask[][] = [[], [], []]
  #isScheduled = false
  #isRunning = false

  /** Runs `task` once when `phase` comes; in the next turn if it has begun in this one. */
  schedule(phase: TurnPhase, task: TurnTask): void {
    const tasks = this.#tasks[phase] as TurnTask[]
    tasks.push(task)
    if (tasks.length > TURN_TASKS && !this.#isRunning) this.#run(tasks)
    else if (!this.#isScheduled) this.#begin()
  }

  #begin(): void {
    this.#isScheduled = true
    // Three, because the event loop lets promises run between two of them.
    setImmediate(this.#onHandle)
    setImmediate(this.#onHand)
    setImmediate(this.#onSend)
  }

  readonly #onHandle = (): void => this.#run(this.#tasks[TurnPhase.handle] as TurnTask[])
  readonly #onHand = (): void => this.#run(this.#tasks[TurnPhase.hand] as TurnTask[])
  readonly #onSend = (): void => {
    this.#isScheduled = false
    try {
      this.#run(this.#tasks[TurnPhase.send] as TurnTask[])
    } finally {
      // Who came when its phase had begun, or stood behind one that threw.
      if (!this.#isScheduled && this.#tasks.some((tasks) => tasks.length > 0)) this.#begin()
    }
  }

  #run(tasks: TurnTask[]): void {
    const size = tasks.length
    let done = 0
    this.#isRunning = true
    try {
      while (done < size) (tasks[done++] as TurnTask).onTurn()
    } finally {
      this.#isRunning = false
      // None runs twice, also when one has thrown.
      if (tasks.length === done) tasks.length = 0
      else tasks.splice(0, done)
    }
  }
}

/** The one of this thread. */
export const turn: Turn = new Turn()
