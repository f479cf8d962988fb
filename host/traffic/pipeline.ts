import { reasonOf } from '../errors.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import type { Logger } from '../observe/log.ts'
import { FLOW_END, type FlowNode } from './flow.ts'
import { type FlowTrace, traceFlow } from './flow-trace.ts'

/** How a flow ended. */
export type FlowEnd = typeof WENT_THROUGH | typeof ENDED | typeof STOPPED
/** Its last node was passed. */
export const WENT_THROUGH = 0
/** At END, or by a jump to it. */
export const ENDED = 1
/** By a result that no `jumpIf` names, or by a failure. */
export const STOPPED = 2

/** What a run is part of. */
type Part = typeof WHOLE | typeof FLOW | typeof BRANCH
const WHOLE = 0
const FLOW = 1
const BRANCH = 2

/**
 * Runs a flow on exchanges. It stays synchronous until a filter returns a promise, and goes back to being
 * synchronous after it.
 *
 * A result that no `jumpIf` names ends the flow (Easegress's implicit END). When the flow has ended, the
 * response phases that plugins owe run in reverse; then there is a response in any case.
 */
export class PipelineRunner {
  readonly name: string
  readonly #nodes: readonly FlowNode[]
  readonly #log: Logger

  constructor(name: string, nodes: readonly FlowNode[], log: Logger) {
    this.name = name
    this.#nodes = nodes
    this.#log = log
  }

  /** The whole of it: the flow, what is owed, and a response. Never throws and never rejects. */
  run(exchange: Exchange): void | Promise<void> {
    return settled(this.#runFrom(exchange, 0, this.#trace(exchange), WHOLE))
  }

  /** The flow alone: another may follow before `complete`. Never throws and never rejects. */
  runFlow(exchange: Exchange): FlowEnd | Promise<FlowEnd> {
    return this.#runFrom(exchange, 0, this.#trace(exchange), FLOW)
  }

  /** The flow as a branch beside others, in namespaces of its own. Never throws and never rejects. */
  runBranch(exchange: Exchange, trace: FlowTrace | null): FlowEnd | Promise<FlowEnd> {
    return this.#runFrom(exchange, 0, trace, BRANCH)
  }

  /** What `run` does after the flow. */
  complete(exchange: Exchange): void | Promise<void> {
    return settled(this.#complete(exchange, WENT_THROUGH))
  }

  #trace(exchange: Exchange): FlowTrace | null {
    const { trace } = exchange
    return traceFlow(exchange, trace === null ? null : trace.server, this.name)
  }

  #runFrom(
    exchange: Exchange,
    start: number,
    trace: FlowTrace | null,
    part: Part,
  ): FlowEnd | Promise<FlowEnd> {
    const nodes = this.#nodes
    let index = start
    let end: FlowEnd = WENT_THROUGH
    while (index < nodes.length) {
      const node = nodes[index] as FlowNode
      if (node.filter === null) {
        end = ENDED
        break
      }
      const scope: MessageScope =
        node.namespace === null ? exchange : exchange.scope(node.namespace)
      if (trace !== null) trace.begin(node.label, scope)
      let result: string | undefined
      try {
        const answer = node.filter.handle(scope)
        if (answer instanceof Promise) {
          return this.#wait(exchange, scope, index, answer, trace, part)
        }
        result = answer
      } catch (error) {
        trace?.fail(error, scope)
        this.#failed(scope, node, error, part)
        end = STOPPED
        break
      }
      if (trace !== null) trace.end(result, scope)
      index = result === undefined && node.jumps === null ? index + 1 : next(node, index, result)
      if (index >= FLOW_END) end = endOf(node, result)
    }
    return this.#ended(exchange, end, trace, part)
  }

  #wait(
    exchange: Exchange,
    scope: MessageScope,
    index: number,
    answer: Promise<string | undefined>,
    trace: FlowTrace | null,
    part: Part,
  ): Promise<FlowEnd> {
    const node = this.#nodes[index] as FlowNode
    return answer.then(
      (result) => {
        if (trace !== null) trace.end(result, scope)
        const following = next(node, index, result)
        if (following < FLOW_END) return this.#runFrom(exchange, following, trace, part)
        return this.#ended(exchange, endOf(node, result), trace, part)
      },
      (error: unknown) => {
        trace?.fail(error, scope)
        this.#failed(scope, node, error, part)
        return this.#ended(exchange, STOPPED, trace, part)
      },
    )
  }

  /** One pipeline's steps become one tag: `pipeline(main): a(12µs)->b(invalid,3µs)`. */
  #ended(
    exchange: Exchange,
    end: FlowEnd,
    trace: FlowTrace | null,
    part: Part,
  ): FlowEnd | Promise<FlowEnd> {
    if (trace !== null) {
      trace.close()
      if (part !== BRANCH && trace.text !== '') {
        exchange.tag(`pipeline(${this.name}): ${trace.text}`)
      }
    }
    return part === WHOLE ? this.#complete(exchange, end) : end
  }

  #complete(exchange: Exchange, end: FlowEnd): FlowEnd | Promise<FlowEnd> {
    // A response in any case before the owed phases: they change what the client gets, also a failure.
    exchange.response ??= fallbackResponse(exchange)
    if (!exchange.owesPhases) {
      exchange.endPhases()
      return end
    }
    const pending = exchange.runOwed()
    if (pending === undefined) {
      exchange.response ??= fallbackResponse(exchange)
      exchange.endPhases()
      return end
    }
    return pending.then(
      () => {
        exchange.response ??= fallbackResponse(exchange)
        exchange.endPhases()
        return end
      },
      (error: unknown) => {
        this.#log.error({ requestId: exchange.id }, `an owed phase failed: ${reasonOf(error)}`)
        exchange.response = fallbackResponse(exchange)
        exchange.endPhases()
        return end
      },
    )
  }

  /**
   * A filter threw: a bug of ours, or a namespace nobody has filled. The client learns the request id, the
   * log the rest. In a branch only the filter's own response is lost.
   */
  #failed(scope: MessageScope, node: FlowNode, error: unknown, part: Part): void {
    const { exchange } = scope
    this.#log.error(
      { requestId: exchange.id, filter: node.label, err: error },
      `filter ${node.label} failed: ${reasonOf(error)}`,
    )
    exchange.tag(`${node.label}(failed)`)
    const target: MessageScope = part === BRANCH ? scope : exchange
    target.response?.body.cancel(new Error('a filter failed'))
    target.response = null
  }
}

/** Whoever runs the whole does not look at how the flow ended. */
function settled(end: FlowEnd | Promise<FlowEnd>): void | Promise<void> {
  if (end instanceof Promise) return end as Promise<unknown> as Promise<void>
}

function next(node: FlowNode, index: number, result: string | undefined): number {
  if (node.jumps !== null) {
    const target = node.jumps.get(result ?? '')
    if (target !== undefined) return target
  }
  if (result === undefined || result === '') return index + 1
  return node.filter?.passes?.has(result) === true ? index + 1 : FLOW_END
}

/** Why a flow does not go on: its `jumpIf` says END, or it says nothing about the result. */
function endOf(node: FlowNode, result: string | undefined): FlowEnd {
  return node.jumps?.has(result ?? '') === true ? ENDED : STOPPED
}
