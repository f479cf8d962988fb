import { reasonOf } from '../errors.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import type { Logger } from '../observe/log.ts'
import { FLOW_END, type FlowNode } from './flow.ts'

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

  /** Never throws and never rejects. */
  run(exchange: Exchange): void | Promise<void> {
    return this.#runFrom(exchange, 0)
  }

  #runFrom(exchange: Exchange, start: number): void | Promise<void> {
    const nodes = this.#nodes
    let index = start
    while (index < nodes.length) {
      const node = nodes[index] as FlowNode
      if (node.filter === null) break
      let result: string | undefined
      try {
        const answer = node.filter.handle(exchange)
        if (answer instanceof Promise) return this.#wait(exchange, index, node, answer)
        result = answer
      } catch (error) {
        this.#failed(exchange, node, error)
        break
      }
      index = result === undefined && node.jumps === null ? index + 1 : next(node, index, result)
    }
    return this.#finish(exchange)
  }

  #wait(
    exchange: Exchange,
    index: number,
    node: FlowNode,
    answer: Promise<string | undefined>,
  ): Promise<void> {
    return answer.then(
      (result) => this.#runFrom(exchange, next(node, index, result)),
      (error: unknown) => {
        this.#failed(exchange, node, error)
        return this.#finish(exchange)
      },
    )
  }

  #finish(exchange: Exchange): void | Promise<void> {
    if (!exchange.owesPhases) {
      exchange.response ??= fallbackResponse(exchange)
      return
    }
    // A response in any case before the owed phases: they change what the client gets, also a failure.
    exchange.response ??= fallbackResponse(exchange)
    const pending = exchange.runOwed()
    if (pending === undefined) {
      exchange.response ??= fallbackResponse(exchange)
      return
    }
    return pending.then(
      () => {
        exchange.response ??= fallbackResponse(exchange)
      },
      (error: unknown) => {
        this.#log.error({ requestId: exchange.id }, `an owed phase failed: ${reasonOf(error)}`)
        exchange.response = fallbackResponse(exchange)
      },
    )
  }

  /** A filter threw: a bug of ours. The client learns the request id, the log the rest. */
  #failed(exchange: Exchange, node: FlowNode, error: unknown): void {
    this.#log.error(
      { requestId: exchange.id, filter: node.label, err: error },
      `filter ${node.label} failed: ${reasonOf(error)}`,
    )
    exchange.tag(`${node.label}(failed)`)
    exchange.response = null
  }
}

function next(node: FlowNode, index: number, result: string | undefined): number {
  if (node.jumps !== null) {
    const target = node.jumps.get(result ?? '')
    if (target !== undefined) return target
  }
  return result === undefined || result === '' ? index + 1 : FLOW_END
}
