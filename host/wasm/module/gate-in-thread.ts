import { Worker } from 'node:worker_threads'
import { type ErrorCode, type ErrorParams, GatewayError, reasonOf } from '../../errors.ts'
import type { GatedModule, GateReport } from './gate.ts'
import type { ModuleLimits } from './module-limits.ts'
import { OffsetMap } from './offset-map.ts'

export interface GateTask {
  readonly bytes: Uint8Array
  readonly limits: ModuleLimits
}

/** What the thread answers: class instances do not survive the way, so the map is encoded. */
export type GateReply =
  | {
      readonly kind: 'gated'
      readonly bytes: Uint8Array
      readonly offsetMap: Uint8Array
      readonly report: GateReport
    }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly params: ErrorParams<ErrorCode> }

// The extension of this file is that of its neighbor: sources run as they are, what is published is compiled.
const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? './gate-thread.ts' : './gate-thread.js',
  import.meta.url,
)

/** As `gateModule`, in a thread that lives for this one module, so that the event loop stays free. */
export function gateInThread(bytes: Uint8Array, limits: ModuleLimits): Promise<GatedModule> {
  const task: GateTask = { bytes, limits }
  const worker = new Worker(THREAD, { workerData: task })
  return new Promise<GatedModule>((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new GatewayError('GUEST_MODULE_INVALID', { offset: 0, reason: `the gate ${reason}` }))
    worker.once('message', (reply: GateReply) => {
      if (reply.kind === 'refused') {
        reject(new GatewayError(reply.code, reply.params))
        return
      }
      const { bytes: output, report } = reply
      resolve({ bytes: output, offsetMap: OffsetMap.decode(reply.offsetMap), report })
    })
    worker.once('error', (error) => fail(`failed: ${reasonOf(error)}`))
    // After an answer this does nothing: the promise is settled.
    worker.once('exit', (code) => fail(`ended with ${code}`))
  })
}
