import { parentPort, workerData } from 'node:worker_threads'
import { isGatewayError } from '../../errors.ts'
import { gateModule } from './gate.ts'
import type { GateReply, GateTask } from './gate-in-thread.ts'

/** The other side of `gateInThread`: gates one module, answers, ends. */
function reply(task: GateTask): GateReply {
  try {
    const { bytes, offsetMap, report } = gateModule(task.bytes, task.limits)
    return { kind: 'gated', bytes, offsetMap: offsetMap.encode(), report }
  } catch (error) {
    if (!isGatewayError(error)) throw error
    return { kind: 'refused', code: error.code, params: error.params }
  }
}

parentPort?.postMessage(reply(workerData as GateTask))
