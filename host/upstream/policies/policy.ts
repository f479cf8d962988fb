import type { MessageScope } from '../../exchange/exchange.ts'
import type { Endpoint } from '../endpoint.ts'

/** Chooses an endpoint for a request. Made anew when the list of available endpoints changes. */
export interface BalancePolicy {
  /** Undefined when there is no endpoint, or none that fits the request. */
  choose(scope: MessageScope): Endpoint | undefined
}

/** What a policy is made with beside its endpoints. */
export interface BalanceOptions {
  /** The name of the header whose value is the key, in lowercase; "" when none is configured. */
  readonly headerHashKey: string
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

/** One way to balance, by the name a configuration gives it. */
export interface BalancePolicyKind {
  readonly policy: string
  readonly description: string
  /** True when equal requests go to the same endpoint: asking again gives the same answer. */
  readonly isKeyed?: boolean
  /** True when a request has one endpoint and no other: then a retry goes there too. */
  readonly isPinned?: boolean
  /** True when it looks at the number of requests under way, which somebody has to count. */
  readonly countsActive?: boolean
  create(endpoints: readonly Endpoint[], options: BalanceOptions): BalancePolicy
}
