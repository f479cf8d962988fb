import type { Exchange } from '../exchange/exchange.ts'
import type { Pending } from '../exchange/late.ts'
import type { Filter } from '../filters/filter.ts'
import type { FlowNode } from './flow.ts'

/** A filter of a pipeline, as whoever looks on is told about it. */
export interface NamedFilter {
  readonly name: string
  readonly kind: string
  readonly filter: Filter
}

type Handler = (exchange: Exchange) => void | Pending<void>

/**
 * Whoever wants to see every exchange puts itself around handlers and filters when these are made. So a
 * gateway without one does nothing for it, not even a comparison, on the way of a request.
 */
export interface TrafficObserver {
  /** Called for each generation of an HTTPServer; what it returns is called in place of `handle`. */
  watchServer(handle: Handler): Handler
  /** Called for each generation of a pipeline; what it returns is run in place of `nodes`. */
  watchFlow(
    pipeline: string,
    nodes: readonly FlowNode[],
    filters: readonly NamedFilter[],
  ): readonly FlowNode[]
}
