import { duration, z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { Headers } from '../exchange/headers.ts'
import type { Request } from '../exchange/request.ts'
import { Response } from '../exchange/response.ts'
import { defineFilter } from './filter.ts'
import { compileHeaderMatcher, type HeaderMatcher } from './header-matcher.ts'
import { headerMap, headerName, stringMatcher } from './header-spec.ts'

const rule = z.strictObject({
  match: z
    .strictObject({
      path: z.string().default('').describe('The exact path.'),
      pathPrefix: z.string().default('').describe('What the path starts with.'),
      matchAllHeaders: z
        .boolean()
        .default(false)
        .describe('Every header must match; otherwise one of them is enough.'),
      headers: z
        .record(headerName(), stringMatcher())
        .default({})
        .describe('What headers must look like.'),
    })
    .prefault({})
    .describe('Which requests the rule answers; nothing set answers all.'),
  code: z.int().min(200).max(599).default(200).describe('The status of the answer.'),
  headers: headerMap().describe('The headers of the answer.'),
  body: z.string().default('').describe('The body of the answer.'),
  delay: duration().prefault(0).describe('Time to wait before the answer.'),
})

/** Answers by itself, for tests and for parts of an API that are not there yet. */
export const mock = defineFilter({
  kind: 'Mock',
  description: 'Answers requests that match a rule by itself; the first rule that matches decides.',
  results: ['mocked'],
  example: `name: mock
kind: Mock
rules:
  - match: { path: /slow, headers: { X-Test: { exact: "yes" } } }
    delay: 200ms
  - match: { pathPrefix: /users }
    code: 200
    headers: { Content-Type: application/json }
    body: '[]'`,
  spec: z.strictObject({
    rules: z.array(rule).default([]).describe('Looked at in order.'),
  }),
  create(spec) {
    const rules = spec.rules.map((one) => ({
      path: one.match.path,
      pathPrefix: one.match.pathPrefix,
      matchesHeaders: compileHeaderMatcher(one.match.headers, one.match.matchAllHeaders),
      code: one.code,
      headerList: Object.entries(one.headers).flat(),
      body: Buffer.from(one.body, 'utf8'),
      delayMs: one.delay,
    }))
    return {
      handle(scope: MessageScope) {
        const found = rules.find((one) => matches(one, scope.request))
        if (found === undefined) return undefined
        const answer = (): 'mocked' => {
          scope.response = new Response(
            found.code,
            new Headers(found.headerList.slice()),
            Body.bytes(found.body),
          )
          return 'mocked'
        }
        if (found.delayMs === 0) return answer()
        return new Promise((resolve) => setTimeout(() => resolve(answer()), found.delayMs))
      },
    }
  },
})

interface CompiledMatch {
  readonly path: string
  readonly pathPrefix: string
  readonly matchesHeaders: HeaderMatcher | null
}

function matches(rule: CompiledMatch, request: Request): boolean {
  const path = request.decodedPath
  const hasPath = rule.path !== '' || rule.pathPrefix !== ''
  if (
    hasPath &&
    !(rule.path !== '' && path === rule.path) &&
    !(rule.pathPrefix !== '' && path.startsWith(rule.pathPrefix))
  ) {
    return false
  }
  return rule.matchesHeaders?.(request.headers) ?? true
}
