import type { Exchange } from '../exchange/exchange.ts'
import { Late } from '../exchange/late.ts'
import type { Logger } from '../observe/log.ts'
import type { FlowNode } from './flow.ts'
import { BRANCH, FLOW, type Flow, type FlowEnd, FlowRun, WHOLE } from './flow-run.ts'
import { type FlowTrace, traceFlow } from './flow-trace.ts'

/**
 * Runs a flow on exchanges. It stays synchronous until a filter answers later, and goes back to being
 * synchronous after it.
 *
 * A result that no `jumpIf` names ends the flow (Easegress's implicit END). When the flow has ended, the
 * response phases that plugins owe run in reverse; then there is a response in any case.
 */
export class PipelineRunner {
  readonly #flow: Flow

  constructor(name: string, nodes: readonly FlowNode[], log: Logger) {
    this.#flow = { name, nodes, log }
  }

  get name(): string {
    return this.#flow.name
  }

  /** The whole of it: the flow, what is owed, and a response. Never throws and never fails. */
  run(exchange: Exchange): void | Late<void> {
    return settled(new FlowRun(this.#flow, exchange, this.#trace(exchange), WHOLE).start())
  }

  /** The flow alone: another may follow before `complete`. Never throws and never fails. */
  runFlow(exchange: Exchange): FlowEnd | Late<FlowEnd> {
    return new FlowRun(this.#flow, exchange, this.#trace(exchange), FLOW).start()
  }

  /** The flow as a branch beside others, in namespaces of its own. Never throws and never fails. */
  runBranch(exchange: Exchange, trace: FlowTrace | null): FlowEnd | Late<FlowEnd> {
    return new FlowRun(this.#flow, exchange, trace, BRANCH).start()
  }

  /** What `run` does after the flow. */
  complete(exchange: Exchange): void | Late<void> {
    return settled(new FlowRun(this.#flow, exchange, null, WHOLE).complete())
  }

  #trace(exchange: Exchange): FlowTrace | null {
    const { trace } = exchange
    return traceFlow(exchange, trace === null ? null : trace.server, this.#flow.name)
  }
}

/** Whoever runs the whole does not look at how the flow ended. */
function settled(end: FlowEnd | Late<FlowEnd>): void | Late<void> {
  if (end instanceof Late) return end as Late<unknown> as Late<void>
}
