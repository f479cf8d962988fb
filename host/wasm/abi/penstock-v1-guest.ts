import { GatewayError } from '../../errors.ts'
import { Phase } from '../guest-call.ts'
import { defineAbi, exportOf, type RunPhase } from './abi.ts'
import { abortImport } from './env-abort.ts'
import { PENSTOCK_V1 } from './penstock-v1.ts'
import { penstockV1Imports } from './penstock-v1-calls.ts'
import { penstockV1DataImports } from './penstock-v1-data-calls.ts'

type PhaseExport = () => number

/** The ABI of our own SDK: sdk/ABI.md. */
export const penstockV1 = defineAbi({
  table: PENSTOCK_V1,
  link(env) {
    const { call } = env
    // A module that refuses its parameters logs the reason first.
    let lastError = ''
    const log = (level: number, message: string): void => {
      if (level >= 3) lastError = message
      env.log(level, message)
    }
    const start = (exports: WebAssembly.Exports): RunPhase => {
      exportOf(exports, '_initialize')?.()
      const refused = exportOf<PhaseExport>(exports, 'penstock_configure')?.() ?? 0
      if (refused !== 0) {
        throw new Error(lastError === '' ? `configure returned ${refused}` : lastError)
      }
      const onRequest = exportOf<PhaseExport>(exports, 'penstock_on_request')
      const onResponse = exportOf<PhaseExport>(exports, 'penstock_on_response')
      const onDone = exportOf<PhaseExport>(exports, 'penstock_on_done')
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
        penstock_v1: { ...penstockV1Imports({ ...env, log }), ...penstockV1DataImports(env) },
        env: abortImport(env.memory),
      },
      start,
    }
  },
})
