import { consistentHash } from './consistent-hash.ts'
import { forward } from './forward.ts'
import { cookieHash, headerHash, ipHash } from './key-hash.ts'
import { leastRequest } from './least-request.ts'
import type { BalancePolicyKind } from './policy.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { weightedRandom } from './weighted-random.ts'

/** Every way to balance, the default first; adding one is a file and a line here. */
export const BALANCE_POLICIES: readonly BalancePolicyKind[] = [
  roundRobin,
  random,
  weightedRandom,
  ipHash,
  headerHash,
  cookieHash,
  leastRequest,
  consistentHash,
  forward,
]
