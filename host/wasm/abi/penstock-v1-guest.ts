import { GatewayError } from '../../errors.ts'
import { FUNCTIONS_MODULE } from '../grant/asked-grant.ts'
import { Phase } from '../guest-input.ts'
import { defineAbi, exportOf, type RunPhase } from './abi.ts'
import { abortImport } from './env-abort.ts'
import { PENSTOCK_V1 } from './penstock-v1.ts'
import { penstockV1Imports } from './penstock-v1-calls.ts'
import { penstockV1DataImports } from './penstock-v1-data-calls.ts'
import { penstockV1HeaderCalls } from './penstock-v1-header-calls.ts'
import { penstockV1JwtImports } from './penstock-v1-jwt-calls.ts'
import { penstockV1MetricImports } from './penstock-v1-metric-calls.ts'
import {
  penstockV1MoreImports,
  suspendingImports,
  unansweredImports,
} from './penstock-v1-outbound-calls.ts'

type PhaseExport = () => number
type WaitingExport = () => Promise<number>

/** The ABI of our own SDK: sdk/ABI.md. */
export const penstockV1 = defineAbi({
  table: PENSTOCK_V1,
  link(env) {
    const { call, calls } = env
    const headers = penstockV1HeaderCalls(env)
    const suspending = calls === null ? null : suspendingImports(env, calls)
    const { own, functions } = suspending ?? unansweredImports(env)
    // A module that refuses its parameters logs the reason first.
    let lastError = ''
    const log = (level: number, message: string): void => {
      if (level >= 3) lastError = message
      env.log(level, message)
    }
    const start = (exports: WebAssembly.Exports): RunPhase => {
      headers.attach(exports['memory'] as WebAssembly.Memory)
      exportOf(exports, '_initialize')?.()
      const refused = exportOf<PhaseExport>(exports, 'penstock_configure')?.() ?? 0
      if (refused !== 0) {
        throw new Error(lastError === '' ? `configure returned ${refused}` : lastError)
      }
      const onRequest = exportOf<PhaseExport>(exports, 'penstock_on_request')
      const onResponse = exportOf<PhaseExport>(exports, 'penstock_on_response')
      const onDone = exportOf<PhaseExport>(exports, 'penstock_on_done')
      if (suspending !== null) return waitingPhases(onRequest, onResponse, onDone)
      return (phase) => {
        if (phase === Phase.done) {
          onDone?.()
          return 0
        }
        const run = phase === Phase.request ? onRequest : onResponse
        const result = run === null ? 0 : run()
        if (result < 0 && !call.hasReplied)
          throw new GatewayError('GUEST_RESULT', { value: result })
        return result
      }
    }
    return {
      imports: {
        penstock_v1: {
          ...penstockV1Imports({ ...env, log }),
          ...headers.imports,
          ...penstockV1DataImports(env),
          ...penstockV1MetricImports(env),
          ...penstockV1MoreImports(env),
          ...penstockV1JwtImports(env),
          ...own,
        },
        [FUNCTIONS_MODULE]: functions,
        env: abortImport(env.memory),
      },
      start,
    }
  },
})

/** The phases of a module that can wait: each returns a promise, whether it waits this time or not. */
function waitingPhases(...exported: (PhaseExport | null)[]): RunPhase {
  const [request, response, done] = exported.map((one) =>
    // A promising export takes what the export takes, which is nothing.
    one == null ? null : (WebAssembly.promising(one) as unknown as WaitingExport),
  )
  return (phase) => {
    if (phase === Phase.done) return done?.().then(() => 0) ?? 0
    return (phase === Phase.request ? request : response)?.() ?? 0
  }
}
