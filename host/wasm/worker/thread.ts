import { parentPort } from 'node:worker_threads'
import { workerData } from 'piscina'
import { monotonicMs } from '../../clock.ts'
import { isGatewayError, reasonOf } from '../../errors.ts'
import { ChangeLog } from '../change-log.ts'
import { DataChannel } from '../data/data-channel.ts'
import { ThreadData } from '../data/thread-data.ts'
import { Phase } from '../guest-call.ts'
import { encodeFrames, framesOf } from '../guest-frames.ts'
import { Instance } from '../instance.ts'
import { WASM_DEFAULTS } from '../limits.ts'
import { Block, SlotState } from './block.ts'
import { readRequest, sizeOfChanges, writeChanges } from './codec.ts'
import {
  type BatchReply,
  type BatchTask,
  type LaneMemory,
  type LogMessage,
  ResultCode,
  type SetupMessage,
} from './protocol.ts'

interface Installed {
  readonly setup: SetupMessage
  /** Made when the first item needs it; null again after a trap. */
  instance: Instance | null
}

/** The lane that made this thread hands its memory over this way. */
const shared = workerData as LaneMemory
const block = new Block(shared.block)
const data = new ThreadData(new DataChannel(shared.data), block, shared.dataWaitMs)
const installed = new Map<number, Installed>()
const reason = new ChangeLog()

/**
 * Runs one batch, slot by slot. The default export is what Piscina calls. It stops early, giving the rest
 * back, when an answer does not fit in the block: that answer then travels in the return value.
 */
export default function runBatch(task: BatchTask): BatchReply {
  if (task.drops !== null) for (const id of task.drops) installed.delete(id)
  if (task.installs !== null) {
    for (const setup of task.installs) installed.set(setup.id, { setup, instance: null })
  }
  block.requests.at = 0
  block.results.at = 0
  for (let slot = 0; slot < task.count; slot++) {
    const beside = task.bodies?.find((bodies) => bodies.slot === slot) ?? null
    const { setupId, input } = readRequest(block.requests, beside)
    const plugin = installed.get(setupId)
    // Making the instance has a time of its own: it is not the request's.
    const isNew = plugin?.instance === null && input?.phase !== Phase.start
    block.setStarted(slot, monotonicMs() + (isNew ? WASM_DEFAULTS.startTimeoutMs : 0))
    // Lost to the event loop, which has taken everything that did not run: this thread is being ended.
    if (!block.move(slot, SlotState.queued, SlotState.running))
      return { processed: slot, oversize: null }
    let answer: ChangeLog
    let code: number
    if (plugin === undefined || input === null) {
      code = ResultCode.trapped
      answer = failure('the item did not arrive whole')
    } else {
      const requestId = input.requestId
      try {
        data.slot = slot
        plugin.instance ??= new Instance(
          plugin.setup,
          (level, message) =>
            log({ type: 'guest-log', setupId, level, message, requestId: current }),
          data,
        )
        if (isNew) block.setStarted(slot, monotonicMs())
        current = requestId
        code = input.phase === Phase.start ? 0 : plugin.instance.run(input)
        if (plugin.instance.call.hasReplied) code = ResultCode.replied
        answer = plugin.instance.call.changes
      } catch (error) {
        const isDry = plugin.instance?.isDry ?? false
        // After a trap the state of an instance is unknown: the next item gets a new one.
        plugin.instance = null
        code = isGatewayError(error, 'GUEST_START')
          ? ResultCode.startFailed
          : isDry
            ? ResultCode.outOfFuel
            : ResultCode.trapped
        answer = failure(
          isGatewayError(error, 'GUEST_START') ? error.params.reason : reasonOf(error),
          encodeFrames(framesOf(error)),
        )
      }
    }
    block.setEnded(slot, monotonicMs())
    block.setResult(slot, code)
    const isFailed = code <= ResultCode.trapped
    if (!block.results.hasRoom(sizeOfChanges(answer))) {
      // Still marked as running: should this thread be killed now, the item counts as lost, not as done.
      return {
        processed: slot + 1,
        oversize: { kinds: answer.kinds, names: answer.names, values: answer.values },
      }
    }
    writeChanges(block.results, answer)
    plugin?.instance?.call.unload()
    if (plugin?.instance?.canReset === false) plugin.instance = null
    if (!block.move(slot, SlotState.running, isFailed ? SlotState.failed : SlotState.done)) {
      return { processed: slot, oversize: null }
    }
  }
  return { processed: task.count, oversize: null }
}

/** The request whose phase runs now, for log lines. */
let current = ''

function log(message: LogMessage): void {
  parentPort?.postMessage(message)
}

/** A failure travels as two entries of a change log: the reason and the frames, as plain ASCII. */
function failure(text: string, frames = ''): ChangeLog {
  reason.clear()
  reason.push(0, '', ascii(text))
  reason.push(0, '', ascii(frames))
  return reason
}

function ascii(text: string): string {
  return text.slice(0, 4_096).replace(/[^\x20-\x7e]/g, '?')
}
