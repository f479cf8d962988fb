import { z } from '../config/schema.ts'
import type { Request } from '../exchange/request.ts'
import { fnv32 } from '../upstream/hash.ts'
import { compileHeaderMatcher } from './header-matcher.ts'
import { headerName, stringMatcher } from './header-spec.ts'
import { compileUrlRule, urlRuleFields } from './url-rule.ts'

/** Thousandths of the traffic. */
const ALL = 1_000

/** Easegress's RequestMatcher: which requests a candidate pool or a mirror pool takes. */
export function requestMatcher() {
  return z
    .strictObject({
      policy: z
        .enum(['', 'general', 'ipHash', 'headerHash', 'random'])
        .default('general')
        .describe(
          'What decides: headers and URLs, a hash of the address or of a header, or chance.',
        ),
      headerHashKey: z.string().default('').describe('For `headerHash`, the name of the header.'),
      permil: z
        .int()
        .min(0)
        .max(ALL)
        .default(0)
        .describe('For the hashes and `random`, thousandths of the traffic that match.'),
      headers: z
        .record(headerName(), stringMatcher())
        .default({})
        .describe('For `general`, what headers must look like; one of them is enough.'),
      matchAllHeaders: z.boolean().default(false).describe('Every header must match.'),
      urls: z
        .array(z.strictObject(urlRuleFields()))
        .prefault([])
        .describe('For `general`, paths of which one must match too.'),
    })
    .superRefine((spec, context) => {
      const complain = (field: string, message: string): void => {
        context.addIssue({ code: 'custom', path: [field], message })
      }
      const isGeneral = spec.policy === '' || spec.policy === 'general'
      if (isGeneral && Object.keys(spec.headers).length + spec.urls.length === 0) {
        complain('headers', 'the policy general needs `headers` or `urls`')
      }
      if (spec.policy === 'headerHash' && spec.headerHashKey === '') {
        complain('headerHashKey', 'the policy headerHash needs `headerHashKey`')
      }
    })
    .describe('Which requests match.')
}

export type RequestMatcherSpec = z.output<ReturnType<typeof requestMatcher>>

export type RequestMatcher = (request: Request) => boolean

/** `random` answers from 0 up to, not including, 1. */
export function compileRequestMatcher(
  spec: RequestMatcherSpec,
  random: () => number,
): RequestMatcher {
  const { permil } = spec
  switch (spec.policy) {
    case 'ipHash':
      return (request) => fnv32(request.remoteAddress) % ALL < permil
    case 'headerHash': {
      const name = spec.headerHashKey.toLowerCase()
      return (request) => fnv32(request.headers.get(name) ?? '') % ALL < permil
    }
    case 'random':
      return () => random() * ALL < permil
    default:
      return compileGeneral(spec)
  }
}

function compileGeneral(spec: RequestMatcherSpec): RequestMatcher {
  const matchesHeaders = compileHeaderMatcher(spec.headers, spec.matchAllHeaders)
  const urls = spec.urls.map(compileUrlRule)
  return (request) => {
    if (matchesHeaders?.(request.headers) === false) return false
    if (urls.length === 0) return true
    for (const matches of urls) if (matches(request)) return true
    return false
  }
}
