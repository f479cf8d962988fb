import type { BalancePolicyKind } from './policy.ts'
import { roundRobin } from './round-robin.ts'

/** Every way to balance; adding one is a file and a line here. */
export const BALANCE_POLICIES: readonly BalancePolicyKind[] = [roundRobin]
