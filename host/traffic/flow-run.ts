import { reasonOf } from '../errors.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Late, type LateWaiter, type Pending } from '../exchange/late.ts'
import type { Logger } from '../observe/log.ts'
import { FLOW_END, type FlowNode } from './flow.ts'
import type { FlowTrace } from './flow-trace.ts'

/** How a flow ended. */
export type FlowEnd = typeof WENT_THROUGH | typeof ENDED | typeof STOPPED
/** Its last node was passed. */
export const WENT_THROUGH = 0
/** At END, or by a jump to it. */
export const ENDED = 1
/** By a result that no `jumpIf` names, or by a failure. */
export const STOPPED = 2

/** What a run is part of: the whole way of an exchange, a flow before another one, or a branch beside others. */
export type Part = typeof WHOLE | typeof FLOW | typeof BRANCH
export const WHOLE = 0
export const FLOW = 1
export const BRANCH = 2

/** A flow that can be run. */
export interface Flow {
  /** Of its pipeline. */
  readonly name: string
  readonly nodes: readonly FlowNode[]
  readonly log: Logger
}

/**
 * One exchange on its way through a flow. Synchronous until a filter answers later, and again after it; it is
 * itself what comes later then. Never fails but by a mistake of ours.
 */
export class FlowRun extends Late<FlowEnd> implements LateWaiter<string | undefined> {
  readonly #flow: Flow
  readonly #exchange: Exchange
  readonly #trace: FlowTrace | null
  readonly #part: Part
  /** The node that is waited for, and what it works on. */
  #index = 0
  #scope: MessageScope

  constructor(flow: Flow, exchange: Exchange, trace: FlowTrace | null, part: Part) {
    super()
    this.#flow = flow
    this.#exchange = exchange
    this.#trace = trace
    this.#part = part
    this.#scope = exchange
  }

  /** From the first node on. */
  start(): FlowEnd | Late<FlowEnd> {
    return this.#advance(0) ?? this
  }

  /** What comes after the flow: the phases that are owed, and a response. */
  complete(): FlowEnd | Late<FlowEnd> {
    return this.#complete(WENT_THROUGH) ?? this
  }

  /** LateWaiter: the node has its result. */
  onSettled(result: string | undefined): void {
    try {
      if (this.#trace !== null) this.#trace.end(result, this.#scope)
      const node = this.#flow.nodes[this.#index] as FlowNode
      const following = next(node, this.#index, result)
      this.#settle(
        following < FLOW_END ? this.#advance(following) : this.#ended(endOf(node, result)),
      )
    } catch (error) {
      this.fail(error)
    }
  }

  /** LateWaiter: the node has failed. */
  onFailed(error: unknown): void {
    try {
      this.#settle(this.#threw(error))
    } catch (fault) {
      this.fail(fault)
    }
  }

  #settle(end: FlowEnd | null): void {
    if (end !== null) this.settle(end)
  }

  /** Null when a node answers later. */
  #advance(start: number): FlowEnd | null {
    const { nodes } = this.#flow
    const exchange = this.#exchange
    const trace = this.#trace
    let index = start
    while (index < nodes.length) {
      const node = nodes[index] as FlowNode
      if (node.filter === null) return this.#ended(ENDED)
      const scope: MessageScope =
        node.namespace === null ? exchange : exchange.scope(node.namespace)
      if (trace !== null) trace.begin(node.label, scope)
      let answer: string | undefined | Pending<string | undefined>
      try {
        answer = node.filter.handle(scope)
      } catch (error) {
        this.#index = index
        this.#scope = scope
        return this.#threw(error)
      }
      if (typeof answer === 'object') {
        this.#index = index
        this.#scope = scope
        this.#await(answer)
        return null
      }
      if (trace !== null) trace.end(answer, scope)
      const following =
        answer === undefined && node.jumps === null ? index + 1 : next(node, index, answer)
      if (following >= FLOW_END) return this.#ended(endOf(node, answer))
      index = following
    }
    return this.#ended(WENT_THROUGH)
  }

  #await(answer: Pending<string | undefined>): void {
    if (answer instanceof Late) answer.wait(this)
    else {
      answer.then(
        (result) => this.onSettled(result),
        (error: unknown) => this.onFailed(error),
      )
    }
  }

  /** One pipeline's steps become one tag: `pipeline(main): a(12µs)->b(invalid,3µs)`. */
  #ended(end: FlowEnd): FlowEnd | null {
    const trace = this.#trace
    if (trace !== null) {
      trace.close()
      if (this.#part !== BRANCH && trace.text !== '') {
        this.#exchange.tag(`pipeline(${this.#flow.name}): ${trace.text}`)
      }
    }
    return this.#part === WHOLE ? this.#complete(end) : end
  }

  #complete(end: FlowEnd): FlowEnd | null {
    const exchange = this.#exchange
    // A response in any case before the owed phases: they change what the client gets, also a failure.
    exchange.response ??= fallbackResponse(exchange)
    const pending = exchange.owesPhases ? exchange.runOwed() : undefined
    if (pending === undefined) {
      exchange.response ??= fallbackResponse(exchange)
      exchange.endPhases()
      return end
    }
    pending.then(
      () => {
        exchange.response ??= fallbackResponse(exchange)
        exchange.endPhases()
        this.settle(end)
      },
      (error: unknown) => {
        this.#flow.log.error({ requestId: exchange.id }, `an owed phase failed: ${reasonOf(error)}`)
        exchange.response = fallbackResponse(exchange)
        exchange.endPhases()
        this.settle(end)
      },
    )
    return null
  }

  /**
   * A filter threw: a bug of ours, or a namespace nobody has filled. The client learns the request id, the
   * log the rest. In a branch only the filter's own response is lost.
   */
  #threw(error: unknown): FlowEnd | null {
    const scope = this.#scope
    const { exchange } = scope
    const { label } = this.#flow.nodes[this.#index] as FlowNode
    this.#trace?.fail(error, scope)
    this.#flow.log.error(
      { requestId: exchange.id, filter: label, err: error },
      `filter ${label} failed: ${reasonOf(error)}`,
    )
    exchange.tag(`${label}(failed)`)
    const target: MessageScope = this.#part === BRANCH ? scope : exchange
    target.response?.body.cancel('a filter failed')
    target.response = null
    return this.#ended(STOPPED)
  }
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
