import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { workerData } from 'piscina'
import { monotonicMs } from '../../clock.ts'
import { ChangeLog } from '../change-log.ts'
import { DataChannel } from '../data/data-channel.ts'
import { ThreadData } from '../data/thread-data.ts'
import { FUEL_SAMPLE, NOT_MEASURED } from '../executor.ts'
import { encodeFrames, framesOf } from '../guest-frames.ts'
import { Phase } from '../guest-input.ts'
import { HOST_SEAMS, Instance } from '../instance.ts'
import { WASM_DEFAULTS } from '../limits.ts'
import { LogRate } from '../log-rate.ts'
import { Block, SlotState } from './block.ts'
import { sizeOfChanges, writeChanges } from './change-codec.ts'
import { HAS_MESSAGE, Handover, IS_TRAPPED } from './handover.ts'
import {
  type BatchReply,
  type BatchTask,
  failedResult,
  fillFailure,
  type LaneMemory,
  MAX_TRAPS,
  ResultCode,
  type SetupMessage,
  type ThreadMessage,
} from './protocol.ts'
import { ThreadItem } from './thread-item.ts'
import { WaitingGuests } from './waiting-guests.ts'

interface Installed {
  readonly setup: SetupMessage
  readonly lines: LogRate
  /** Made when the first item needs it; null again after a trap. */
  instance: Instance | null
  /** Bytes of its memory when last looked at. */
  bytes: number
}

/** The lane that made this thread hands its memory over this way. */
const shared = workerData as LaneMemory
const block = new Block(shared.block)
const handover = new Handover(shared.handover)
const data = new ThreadData(new DataChannel(shared.data), block, shared.dataWaitMs)
const item = new ThreadItem(block.requests)
const installed = new Map<number, Installed>()
const reason = new ChangeLog()
/** The guests that can wait; each logs for the request it works on. */
const waiting = new WaitingGuests(block, data, (setup, seat) =>
  instanceFor(setup, installed.get(setup.id)?.lines ?? new LogRate(), () => seat.requestId),
)
/** Calls of this thread: one in FUEL_SAMPLE is measured. */
let calls = 0
/** The event loop does not know which instances there are, or how large. */
let isNews = false

/** What does not go into shared memory comes and goes here. */
let port: MessagePort | null = null

/**
 * One run of Piscina: the batch that was given, and those that come after it; it ends when none does. The
 * first one brings the port.
 */
export default async function runBatches(given: MessagePort | null): Promise<void> {
  port ??= given
  do {
    const done = runBatch(takeBatch())
    const reply = done instanceof Promise ? await done : done
    const isPlain = reply.oversize === null && reply.asks == null
    // In the port before the event loop hears of the answer.
    if (!isPlain) port?.postMessage(reply)
    const flags = (isPlain ? 0 : HAS_MESSAGE) | (reply.isTrapped ? IS_TRAPPED : 0)
    handover.answer(reply.processed, flags)
  } while (handover.next())
}

function takeBatch(): BatchTask {
  if ((handover.flags & HAS_MESSAGE) !== 0 && port !== null) {
    return receiveMessageOnPort(port)?.message as BatchTask
  }
  return { count: handover.count, installs: null, drops: null, bodies: null }
}

/**
 * Runs one batch, slot by slot. It stops early, giving the rest back, when an answer does not fit in the
 * block: that answer then travels beside it; and after MAX_TRAPS traps one after another.
 */
function runBatch(task: BatchTask): BatchReply | Promise<BatchReply> {
  if (task.drops !== null || task.installs !== null) update(task)
  if (task.canWait === true) {
    return waiting.run(task).finally(() => {
      tellInstances()
    })
  }
  const reply = runSlots(task)
  if (isNews) tellInstances()
  return reply
}

function update(task: BatchTask): void {
  waiting.update(task)
  for (const id of task.drops ?? []) installed.delete(id)
  for (const setup of task.installs ?? []) {
    installed.set(setup.id, { setup, lines: new LogRate(), instance: null, bytes: 0 })
  }
  if (task.drops !== null) isNews = true
}

function runSlots(task: BatchTask): BatchReply {
  let traps = 0
  block.requests.at = 0
  block.results.at = 0
  for (let slot = 0; slot < task.count; slot++) {
    const beside = task.bodies?.find((bodies) => bodies.slot === slot) ?? null
    const input = item.read(beside)
    const plugin = installed.get(input.setupId)
    // Making the instance has a time of its own: it is not the request's.
    const isNew = plugin?.instance === null && input.phase !== Phase.start
    block.setStarted(slot, monotonicMs() + (isNew ? WASM_DEFAULTS.startTimeoutMs : 0))
    // Lost to the event loop, which has taken everything that did not run: this thread is being ended.
    if (!block.move(slot, SlotState.queued, SlotState.running))
      return { processed: slot, isTrapped: false, oversize: null }
    let answer: ChangeLog
    let code: number
    let fuel = NOT_MEASURED
    if (plugin === undefined) {
      code = ResultCode.trapped
      answer = failure('the thread does not know the plugin')
    } else {
      try {
        data.slot = slot
        if (plugin.instance === null) {
          plugin.instance = makeInstance(plugin)
          isNews = true
        }
        if (isNew) block.setStarted(slot, monotonicMs())
        code = input.phase === Phase.start ? 0 : plugin.instance.run(input)
        if (plugin.instance.call.hasReplied) code = ResultCode.replied
        answer = plugin.instance.call.changes
        if (input.phase !== Phase.start) {
          calls += 1
          if ((calls & (FUEL_SAMPLE - 1)) === 1) {
            fuel = plugin.instance.fuelUsed
            if (plugin.instance.memoryBytes !== plugin.bytes) isNews = true
          }
        }
      } catch (error) {
        const isDry = plugin.instance?.isDry ?? false
        // After a trap the state of an instance is unknown: the next item gets a new one.
        plugin.instance = null
        isNews = true
        // One that failed at its start has not come to the request.
        if (block.startedAtMs(slot) > monotonicMs()) block.setStarted(slot, monotonicMs())
        const failed = failedResult(error, isDry)
        code = failed.code
        answer = failure(failed.reason, encodeFrames(framesOf(error)))
      }
    }
    block.setEnded(slot, monotonicMs(), fuel)
    block.setResult(slot, code)
    const isFailed = code <= ResultCode.trapped
    if (!block.results.hasRoom(sizeOfChanges(answer))) {
      // Still marked as running: should this thread be killed now, the item counts as lost, not as done.
      return {
        processed: slot + 1,
        isTrapped: false,
        oversize: answer.entries(),
      }
    }
    writeChanges(block.results, answer)
    answer.clear()
    plugin?.instance?.call.unload()
    if (plugin?.instance?.canReset === false) {
      plugin.instance = null
      isNews = true
    }
    if (!block.move(slot, SlotState.running, isFailed ? SlotState.failed : SlotState.done)) {
      return { processed: slot, isTrapped: false, oversize: null }
    }
    traps = isFailed ? traps + 1 : 0
    if (traps === MAX_TRAPS && slot + 1 < task.count) {
      return { processed: slot + 1, isTrapped: true, oversize: null }
    }
  }
  return { processed: task.count, isTrapped: false, oversize: null }
}

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message)
}

function tellInstances(): void {
  isNews = false
  const setups: number[] = []
  const bytes: number[] = []
  const counts: number[] = []
  for (const [id, plugin] of installed) {
    if (plugin.instance === null) continue
    plugin.bytes = plugin.instance.memoryBytes
    setups.push(id)
    bytes.push(plugin.bytes)
    counts.push(1)
  }
  for (const [id, count, size] of waiting.usage()) {
    setups.push(id)
    bytes.push(size)
    counts.push(count)
  }
  tell({ type: 'instances', setups, bytes, counts })
}

function makeInstance(plugin: Installed): Instance {
  const { setup, lines } = plugin
  return instanceFor(setup, lines, () => item.requestId)
}

function instanceFor(setup: SetupMessage, lines: LogRate, requestIdNow: () => string): Instance {
  const setupId = setup.id
  const pass = (level: number, message: string): void =>
    tell({ type: 'guest-log', setupId, level, message, requestId: requestIdNow() })
  return new Instance(
    setup,
    (level, message) => lines.pass(level, message, pass),
    data,
    HOST_SEAMS,
    (denials) => tell({ type: 'denied', setupId, requestId: requestIdNow(), denials }),
  )
}

function failure(text: string, frames = ''): ChangeLog {
  fillFailure(reason, text, frames)
  return reason
}
