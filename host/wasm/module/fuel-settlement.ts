import { type FuelPlan, PointKind } from './fuel-points.ts'
import { HOST_CALL_COST } from './opcodes.ts'

/** A function without loops and calls of at most this cost is charged where it is called. */
const MAX_LEAF_COST = 32
/**
 * A block of at most this cost may be charged with the block before it. On the filter
 * request-headers: 0 adds 29 % to its time, 16 adds 21 %, 32 adds 13 %, more changes nothing.
 */
const MAX_FOLDED_COST = 32

/** A plan as the walk leaves it, with what can be decided only when every function is known. */
export interface UnsettledPlan extends FuelPlan {
  /** Direct calls: the point that pays, and the function called. */
  readonly callPoints: readonly number[]
  readonly callTargets: readonly number[]
  /** For each body its whole cost if it has no loop, no call and no bulk instruction, else -1. */
  readonly leafCosts: readonly number[]
  /** Functions that can be called through a table. */
  readonly referenced: ReadonlySet<number>
}

/**
 * Makes a plan cheaper to run. Small functions are paid by their direct callers, at the highest
 * price they can have; small blocks with the block before them. Both only ever add, so a guest never
 * runs for less than it is charged: at most for small blocks it went around.
 */
export function settleFuel(plan: UnsettledPlan, importedFunctions: number): void {
  const isLeaf = plan.leafCosts.map(
    (cost, body) =>
      cost >= 0 && cost <= MAX_LEAF_COST && !plan.referenced.has(body + importedFunctions),
  )
  for (const [i, target] of plan.callTargets.entries()) {
    const point = plan.callPoints[i] ?? 0
    const body = target - importedFunctions
    const price =
      body < 0 ? HOST_CALL_COST : isLeaf[body] === true ? (plan.leafCosts[body] ?? 0) : 0
    plan.costs[point] = (plan.costs[point] ?? 0) + price
  }
  for (let body = 0; body < isLeaf.length; body += 1) {
    const from = plan.first[body] ?? 0
    const to = plan.first[body + 1] ?? from
    if (isLeaf[body] === true) plan.costs.fill(0, from, to)
    else fold(plan, from, to)
  }
}

/**
 * Saves most of the points inside short `if`s and after `br_if`. A block never takes on more than its
 * own cost and MAX_FOLDED_COST, so a run is charged at most for twice of what it runs, and 32 a block.
 */
function fold({ costs, kinds, parents }: UnsettledPlan, from: number, to: number): void {
  const own = costs.slice(from, to)
  const added = new Array<number>(to - from).fill(0)
  for (let point = to - 1; point > from; point -= 1) {
    const cost = costs[point] ?? 0
    const parent = (parents[point] ?? -1) - from
    if (kinds[point] !== PointKind.charge || cost === 0 || cost > MAX_FOLDED_COST) continue
    const sum = (added[parent] ?? 0) + cost
    if (parent < 0 || sum > (own[parent] ?? 0) + MAX_FOLDED_COST) continue
    added[parent] = sum
    costs[parent + from] = (costs[parent + from] ?? 0) + cost
    costs[point] = 0
  }
}
