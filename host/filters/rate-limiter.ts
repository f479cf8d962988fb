import { systemClock } from '../clock.ts'
import { duration, name, z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import type { Request } from '../exchange/request.ts'
import { LIMITED, RateLimit, type RateLimitSpec } from '../resilience/rate-limit.ts'
import { defineFilter, type Filter } from './filter.ts'
import { replaceResponse } from './replace-message.ts'
import { compileUrlRule, type UrlRule, urlRuleFields } from './url-rule.ts'

const policy = z.strictObject({
  name: name().describe('How URL rules refer to it.'),
  timeoutDuration: duration()
    .prefault('100ms')
    .describe('How long a request may wait for a permit of a later period.'),
  limitRefreshPeriod: duration()
    .prefault('10ms')
    .refine((ms) => ms > 0, 'must be longer than 0')
    .describe('The length of a period.'),
  limitForPeriod: z.int().min(1).default(50).describe('Requests of one period.'),
})

const urlRule = z.strictObject({
  ...urlRuleFields(),
  policyRef: z.string().default('').describe('The policy; the default one when empty.'),
})

const spec = z
  .strictObject({
    policies: z.array(policy).min(1).describe('The limits that rules refer to.'),
    defaultPolicyRef: z.string().default('').describe('The policy of rules that name none.'),
    urls: z.array(urlRule).min(1).describe('Rules; the first that matches a request counts.'),
  })
  .superRefine(({ policies, defaultPolicyRef, urls }, context) => {
    const known = policies.map((one) => one.name)
    for (const [index, { policyRef }] of urls.entries()) {
      const wanted = policyRef || defaultPolicyRef
      if (known.includes(wanted)) continue
      const message =
        wanted === ''
          ? 'the rule names no policy, and there is no `defaultPolicyRef`'
          : `there is no policy "${wanted}" in this filter: there is ${known.join(', ')}`
      const path = policyRef === '' ? ['urls', index] : ['urls', index, 'policyRef']
      context.addIssue({ code: 'custom', path, message })
    }
  })

type Spec = z.output<typeof spec>

/** Admits so many requests a period, counted for each URL rule, in this process. */
export const rateLimiter = defineFilter({
  kind: 'RateLimiter',
  description:
    'Admits so many requests a period for each URL rule; the rest wait a little or get 429. Each process counts for itself.',
  results: ['rateLimited'],
  example: `name: limit
kind: RateLimiter
policies:
  - { name: strict, limitForPeriod: 10, limitRefreshPeriod: 1s, timeoutDuration: 0s }
  - { name: loose, limitForPeriod: 1000, limitRefreshPeriod: 1s }
defaultPolicyRef: loose
urls:
  - { methods: [POST], url: { prefix: /login }, policyRef: strict }
  - { url: { prefix: / } }`,
  notes: ['A `limitRefreshPeriod` of 0 is refused when the configuration is read.'],
  spec,
  create(checked, _, previous) {
    return new RateLimiter(checked, previous instanceof RateLimiter ? previous : null)
  },
})

interface Rule {
  /** Equal for rules that mean the same with the same policy. */
  readonly key: string
  readonly matches: UrlRule
  readonly limit: RateLimit
}

class RateLimiter implements Filter<'rateLimited'> {
  readonly #rules: readonly Rule[]
  #admitted = 0
  #limited = 0

  /** A rule that is the same as before, with the same policy, goes on counting where it was. */
  constructor(spec: Spec, previous: RateLimiter | null) {
    const before = previous === null ? [] : previous.#rules
    const former = new Map(before.map((rule) => [rule.key, rule.limit]))
    this.#rules = spec.urls.map((rule) => {
      const limits = limitsOf(spec, rule.policyRef || spec.defaultPolicyRef)
      const key = JSON.stringify([rule.methods, rule.url, limits])
      return {
        key,
        matches: compileUrlRule(rule),
        limit: former.get(key) ?? new RateLimit(limits, systemClock),
      }
    })
  }

  handle(scope: MessageScope): 'rateLimited' | undefined | Promise<undefined> {
    const rule = this.#ruleFor(scope.request)
    if (rule === null) return undefined
    const waitMs = rule.limit.acquire()
    if (waitMs === LIMITED) return this.#refuse(scope)
    this.#admitted += 1
    return waitMs === 0 ? undefined : wait(scope, waitMs)
  }

  status(): unknown {
    return { admitted: this.#admitted, limited: this.#limited }
  }

  #ruleFor(request: Request): Rule | null {
    for (const rule of this.#rules) if (rule.matches(request)) return rule
    return null
  }

  #refuse(scope: MessageScope): 'rateLimited' {
    this.#limited += 1
    const response = fallbackResponse(scope.exchange, 429)
    response.headers.set('X-EG-Rate-Limiter', 'too-many-requests')
    replaceResponse(scope, response)
    return 'rateLimited'
  }
}

function limitsOf(spec: Spec, policyName: string): RateLimitSpec {
  const found = spec.policies.find((one) => one.name === policyName)
  // The schema has seen to it that there is one.
  const { limitForPeriod = 50, limitRefreshPeriod = 10, timeoutDuration = 100 } = found ?? {}
  return { limitForPeriod, limitRefreshPeriod, timeoutDuration }
}

/** Until the permit is valid, or the client is gone. */
function wait(scope: MessageScope, waitMs: number): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), waitMs)
    scope.exchange.onAbort(() => {
      clearTimeout(timer)
      resolve(undefined)
    })
  })
}
