import { parentPort } from 'node:worker_threads'
import { isGatewayError, reasonOf } from '../errors.ts'
import { compilePlugin } from './compile.ts'
import type { WorkerAnswer, WorkerTask } from './resident.ts'

/** The thread of a resident compiler: one task at a time, in the order they come. */
parentPort?.on('message', (task: WorkerTask) => {
  compilePlugin(task.request).then(
    (result) => answer({ id: task.id, result, error: null }),
    (error) =>
      answer({
        id: task.id,
        result: null,
        // Class identity does not cross threads: the code and its parameters do.
        error: isGatewayError(error)
          ? { code: error.code, params: error.params }
          : { code: 'TOOLCHAIN_CRASHED', params: { reason: reasonOf(error) } },
      }),
  )
})

function answer(message: WorkerAnswer): void {
  parentPort?.postMessage(message)
}
