import type { MessageScope } from '../exchange/exchange.ts'
import { Late } from '../exchange/late.ts'
import type { Filter } from '../filters/filter.ts'
import type { Logger } from '../observe/log.ts'
import { BRANCH_FAILED, type FlowNode } from './flow.ts'
import { type FlowEnd, STOPPED } from './flow-run.ts'
import { type FlowTrace, traceFlow } from './flow-trace.ts'
import { PipelineRunner } from './pipeline.ts'

/**
 * A node of a flow with branches: all of them run at the same time, each in namespaces of its own, and the
 * flow goes on when the last has ended. `branchFailed` when one ended by a result that no `jumpIf` in it
 * names, or by a failure; END in a branch ends the branch.
 *
 *             ┌─ buildA ─ callA ─┐
 *     ─ node ─┼─ buildB ─ callB ─┼─ next
 *             └─ …              ─┘
 *
 * Branches take turns where they wait, on one thread: what they do between is never at the same time.
 */
export class ParallelNode implements Filter<typeof BRANCH_FAILED> {
  readonly #label: string
  readonly #branches: readonly PipelineRunner[]

  constructor(label: string, branches: readonly (readonly FlowNode[])[], log: Logger) {
    this.#label = label
    this.#branches = branches.map((nodes, i) => new PipelineRunner(`${label}[${i}]`, nodes, log))
  }

  handle(scope: MessageScope): undefined | typeof BRANCH_FAILED | Promise<Result> {
    const { exchange } = scope
    const traces = this.#trace(scope)
    const ends: FlowEnd[] = []
    const waiting: Promise<unknown>[] = []
    for (const [index, branch] of this.#branches.entries()) {
      const end = branch.runBranch(exchange, traces?.[index] ?? null)
      if (end instanceof Late) waiting.push(end.promise().then((late) => ends.push(late)))
      else ends.push(end)
    }
    const finish = (): Result => {
      if (traces !== null && exchange.isTimed) {
        exchange.tag(`${this.#label}: ${traces.map(({ text }) => text).join(' & ')}`)
      }
      return ends.includes(STOPPED) ? BRANCH_FAILED : undefined
    }
    return waiting.length === 0 ? finish() : Promise.all(waiting).then(finish)
  }

  /** One for each branch, inside of this node; null when nobody wants to know. */
  #trace({ exchange, span }: MessageScope): readonly FlowTrace[] | null {
    if (!exchange.isTimed && span === null) return null
    return this.#branches.flatMap(({ name }) => traceFlow(exchange, span, name) ?? [])
  }
}

type Result = undefined | typeof BRANCH_FAILED
