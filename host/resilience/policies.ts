import { duration, z } from '../config/schema.ts'
import type { CircuitBreakerSpec } from './circuit-breaker.ts'
import type { RetrySpec } from './retry.ts'

const percent = () => z.int().min(1).max(100)
const count = () => z.int().min(1).max(100_000)

/** Enums of Easegress are read without case: its documents and its code disagree about it. */
function anyCase<const T extends string>(values: readonly T[]) {
  return z.preprocess(
    (value) => values.find((one) => one.toLowerCase() === String(value).toLowerCase()) ?? value,
    z.enum(values),
  )
}

const circuitBreaker = z.strictObject({
  slidingWindowType: anyCase(['COUNT_BASED', 'TIME_BASED'])
    .prefault('COUNT_BASED')
    .describe('Whether the window holds the last calls or the last seconds.'),
  slidingWindowSize: count().default(100).describe('Calls, or seconds, of the window.'),
  failureRateThreshold: percent()
    .default(50)
    .describe('Opens when at least so many percent of the calls failed.'),
  slowCallRateThreshold: percent()
    .default(100)
    .describe('Opens when at least so many percent of the calls were slow.'),
  slowCallDurationThreshold: duration().prefault('1m').describe('A longer call is slow.'),
  permittedNumberOfCallsInHalfOpenState: count()
    .default(10)
    .describe('Calls that find out whether the upstream is well again.'),
  minimumNumberOfCalls: count().default(100).describe('With fewer calls the breaker stays closed.'),
  maxWaitDurationInHalfOpenState: duration()
    .prefault(0)
    .describe('The half-open state ends open after this time; 0 for no limit.'),
  waitDurationInOpenState: duration()
    .prefault('60s')
    .describe('Time without calls before the first are let through.'),
})

const retry = z.strictObject({
  maxAttempts: z.int().min(1).default(3).describe('Attempts, the first among them.'),
  waitDuration: duration().prefault('500ms').describe('Wait before another attempt.'),
  backOffPolicy: anyCase(['random', 'exponential'])
    .prefault('random')
    .describe('`exponential` makes each wait half as long again as the one before.'),
  randomizationFactor: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('The wait is spread by this part of it, up and down.'),
  retryBudget: z
    .strictObject({
      budgetPercent: z
        .number()
        .min(0)
        .max(100)
        .default(20)
        .describe('Retries that may run at once, in percent of the requests that run.'),
      minRetryConcurrency: z
        .int()
        .min(0)
        .default(3)
        .describe('Retries that may run at once however few requests run.'),
    })
    .prefault({})
    .describe('Keeps an upstream that fails from getting a multiple of its traffic.'),
})

/** One kind of policy that a pipeline may hold under `resilience`. */
export interface PolicyKind {
  readonly kind: PolicyKindName
  readonly description: string
  /** One policy of the kind as it stands under `resilience`, for the reference page; a test validates it. */
  readonly example: string
  /** In what it differs from Easegress, a sentence each, for the reference page. */
  readonly notes?: readonly string[]
  /** The fields beside `name` and `kind`. */
  readonly spec: z.ZodType
}

export type PolicyKindName = 'CircuitBreaker' | 'Retry'

/** Every kind of policy. */
export const POLICY_KINDS: readonly PolicyKind[] = [
  {
    kind: 'CircuitBreaker',
    description:
      'Stops requests to an upstream that fails or is slow, and tries a few after a while.',
    example: `name: breaker
kind: CircuitBreaker
slidingWindowType: TIME_BASED
slidingWindowSize: 30
minimumNumberOfCalls: 20
failureRateThreshold: 50
waitDurationInOpenState: 10s`,
    notes: ['Values such as COUNT_BASED may be written in upper or lower case.'],
    spec: circuitBreaker,
  },
  {
    kind: 'Retry',
    description: 'Sends a request again that failed, when that is safe, within a budget.',
    example: `name: again
kind: Retry
maxAttempts: 3
waitDuration: 100ms
backOffPolicy: exponential
randomizationFactor: 0.5`,
    notes: [
      'A request is sent again only when its method is idempotent or when nothing of it was sent, and while its body is still whole.',
      'No more retries run at once than `retryBudget` allows.',
      'After the last attempt nobody waits.',
    ],
    spec: retry,
  },
]

/** Policies that Easegress once had, and what takes their place. */
export const FORMER_POLICY_KINDS: Readonly<Record<string, string>> = {
  RateLimiter: 'the filter RateLimiter limits rates',
  TimeLimiter: 'the field `timeout` of a pool limits time',
}

/** One policy of a pipeline. */
export type PolicySpec =
  | { readonly name: string; readonly kind: 'CircuitBreaker'; readonly spec: CircuitBreakerSpec }
  | { readonly name: string; readonly kind: 'Retry'; readonly spec: RetrySpec }

/** The policies of one pipeline, for the filters that refer to them. The names have been checked. */
export class PolicySet {
  readonly #policies: readonly PolicySpec[]

  constructor(policies: readonly PolicySpec[]) {
    this.#policies = policies
  }

  circuitBreaker(name: string): CircuitBreakerSpec | null {
    const found = this.#policies.find((one) => one.name === name)
    return found?.kind === 'CircuitBreaker' ? found.spec : null
  }

  retry(name: string): RetrySpec | null {
    const found = this.#policies.find((one) => one.name === name)
    return found?.kind === 'Retry' ? found.spec : null
  }
}
