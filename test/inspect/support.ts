import type { Inspector } from '../../host/inspect/inspector.ts'
import type { ExchangeRecord, ExchangeSummary } from '../../host/inspect/record.ts'
import { type Cleanup, startGateway, type TestGateway, until } from '../support/gateway.ts'

export interface InspectedRig extends TestGateway {
  readonly inspector: Inspector
  /** The newest recorded exchange, once its last byte was sent. */
  last(): Promise<ExchangeRecord>
  summaries(): ExchangeSummary[]
}

/** A gateway that records, without an admin API. */
export async function startInspected(
  cleanup: Cleanup,
  yaml: string,
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<InspectedRig> {
  const rig = await startGateway(cleanup, yaml, files, {
    watch: false,
    development: { page: () => Promise.resolve(new Map()), onMoved: () => undefined },
  })
  const { inspector } = rig.gateway
  if (inspector === null) throw new Error('it does not record')
  return {
    ...rig,
    inspector,
    last: async () => {
      await until(() => inspector.recorder.list()[0]?.isRunning === false, 'an exchange ended')
      const recording = inspector.recorder.list()[0]
      if (recording === undefined) throw new Error('nothing was recorded')
      return recording.toRecord()
    },
    summaries: () => inspector.recorder.list().map((one) => one.summary()),
  }
}
