/** What is written in at a point. */
export const PointKind = {
  /** Take fuel. */
  charge: 0,
  /** Take fuel; trap when none is left. */
  check: 1,
  /** Take fuel by the length on top of the stack; trap when none is left. */
  bytes: 2,
  elements: 3,
  memoryGrow: 4,
  tableGrow: 5,
} as const

/**
 * Where fuel is taken in a module. A point stands at an offset and carries the cost of the code that
 * is certain to run once it is reached: up to the next place where control can go elsewhere.
 *
 * ```
 *  function entry  check   A + D       if nothing inside the `if` leaves it, D runs
 *    A                                 exactly when A does, and is paid with it
 *    if            charge  B
 *      B
 *    else          charge  C
 *      C
 *    end
 *    D
 *    loop          check   E           every turn
 *      E
 *      br_if 0
 *    end           charge  F           only when `br_if` could also leave the loop's parent
 * ```
 * So a run is charged for what it runs (exactly, up to what `settleFuel` adds), and between two
 * checks there is never more than the code of one function without its loops, with calls of
 * functions of MAX_UNCHECKED_COST.
 */
export interface FuelPlan {
  /** Points of all functions, in the order of their offsets. */
  readonly offsets: number[]
  readonly kinds: number[]
  readonly costs: number[]
  /** The point that was reached before this one for certain, or -1. */
  readonly parents: number[]
  /** First point of each body, and one more at the end. */
  readonly first: number[]
  /** For each body whether it needs the local for a length. */
  readonly hasBulk: boolean[]
  /**
   * For the bodies that keep the fuel in a local while they run: the offsets where it has to be
   * written back to the global, because the function may end there. So it is for functions with
   * loops and without calls, where nobody else looks at the global meanwhile: loops over bytes take
   * 1.1 to 1.4 times their bare time, 1.2 to 1.6 times with the global. If such a function traps
   * for another reason than fuel, what it used is not counted.
   */
  readonly stores: ReadonlyMap<number, readonly number[]>
  readonly features: ReadonlySet<string>
  /** State that a snapshot of memory and globals does not hold. */
  readonly changesTables: boolean
  readonly dropsSegments: boolean
}
