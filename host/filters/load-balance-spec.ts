import { duration, z } from '../config/schema.ts'
import { BALANCE_POLICIES } from '../upstream/policies/builtin.ts'
import { atLeast } from './proxy-field.ts'

const stickySession = z
  .strictObject({
    mode: z
      .enum(['CookieConsistentHash', 'DurationBased', 'ApplicationBased'])
      .describe('What binds a session: a cookie of the application, or one of the gateway.'),
    appCookieName: z.string().default('').describe('The cookie of the application.'),
    lbCookieName: z.string().min(1).default('EG_SESSION').describe('The cookie of the gateway.'),
    lbCookieExpire: duration().prefault('2h').describe('How long that cookie lasts.'),
    lbCookieSecret: z
      .string()
      .default('')
      .describe(
        'Signs it. The same for gateways that share sessions; else made at random at start.',
      ),
  })
  .superRefine((spec, context) => {
    if (spec.mode === 'DurationBased' || spec.appCookieName !== '') return
    const message = `the mode ${spec.mode} needs \`appCookieName\``
    context.addIssue({ code: 'custom', path: ['appCookieName'], message })
  })

const POLICY_TEXTS = BALANCE_POLICIES.map(
  ({ policy, description }) => `\`${policy}\`: ${description}`,
)

/** How a pool spreads requests over its servers. */
export const loadBalance = z
  .strictObject({
    policy: z
      .enum(BALANCE_POLICIES.map((kind) => kind.policy))
      .default('roundRobin')
      .describe(`How an endpoint is chosen. ${POLICY_TEXTS.join('; ')}.`),
    headerHashKey: z
      .string()
      .default('')
      .describe('The header that headerHash and consistentHash look at.'),
    stickySession: stickySession.optional().describe('Keeps a session on one endpoint.'),
    forwardKey: z
      .string()
      .default('')
      .describe('For the policy forward: the header that names a server of the pool as host:port.'),
  })
  .superRefine((spec, context) => {
    for (const [policy, field] of KEYS) {
      if (spec.policy !== policy || spec[field] !== '') continue
      const message = `the policy ${policy} needs \`${field}\``
      context.addIssue({ code: 'custom', path: [field], message })
    }
  })

/** Policies that look at a header, and the field that names it. */
const KEYS = [
  ['headerHash', 'headerHashKey'],
  ['forward', 'forwardKey'],
] as const

/** The header that the policy looks at, in lowercase; each policy looks at one at most. */
export function balanceKeyOf({
  policy,
  headerHashKey,
  forwardKey,
}: z.output<typeof loadBalance>): string {
  return (policy === 'forward' ? forwardKey : headerHashKey).toLowerCase()
}

/** 0 to 100. */
export const percent = () => z.number().min(0).max(100)

/** Ejection of servers whose answers show that they are unwell, as Envoy names it. */
export const outlierDetection = z.strictObject({
  consecutive5xx: z
    .int()
    .min(1)
    .default(5)
    .describe('Failures in a row that eject: 5xx answers, refused connections, timeouts.'),
  baseEjectionTime: atLeast(1)
    .prefault('30s')
    .describe('How long the first ejection lasts; the n-th lasts n times as long.'),
  maxEjectionTime: atLeast(1).prefault('300s').describe('The longest ejection.'),
  maxEjectionPercent: percent()
    .default(10)
    .describe('Endpoints that may be ejected at once; one may be in any case.'),
})

/** Growing traffic for servers that are new or well again, as Envoy names it. */
export const slowStart = z.strictObject({
  slowStartWindow: duration().describe('Time in which the traffic of a new endpoint grows.'),
  minWeightPercent: percent().default(10).describe('The share of its traffic it begins with.'),
})
