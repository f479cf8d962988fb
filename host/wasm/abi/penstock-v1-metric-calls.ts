import { Right } from '../grant/grant.ts'
import { Errno } from '../limits.ts'
import { METRIC_LIMITS } from '../metrics/metric-name.ts'
import type { GuestEnv } from './abi.ts'

/** Fuel of counting: an addition on the host's side, and a part of what the event loop does with it. */
const RECORD_FUEL = 50

/** The metrics among the `penstock_v1` imports; sdk/ABI.md says what each one promises. */
export function penstockV1MetricImports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, call, metrics } = env
  const isAllowed = (call.grant.rights & Right.metrics) !== 0

  return {
    metric_define(
      kind: number,
      ptr: number,
      len: number,
      boundsPtr: number,
      count: number,
    ): number {
      if (!isAllowed) return call.deny('metrics')
      if (len >>> 0 > METRIC_LIMITS.nameBytes || count >>> 0 > METRIC_LIMITS.buckets) {
        return Errno.tooLarge
      }
      const bounds: number[] = []
      for (let i = 0; i < count >>> 0; i++) bounds.push(memory.float64((boundsPtr >>> 0) + i * 8))
      return metrics.define(kind, memory.latin1(ptr, len), bounds)
    },

    metric_add(id: number, value: number): number {
      if (!isAllowed) return call.deny('metrics')
      memory.spend(RECORD_FUEL)
      return metrics.add(id, value)
    },

    metric_record(id: number, value: number): number {
      if (!isAllowed) return call.deny('metrics')
      memory.spend(RECORD_FUEL)
      return metrics.record(id, value)
    },
  }
}
