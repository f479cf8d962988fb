import { z } from '../config/schema.ts'
import type { Exchange, MessageScope, OwedPhase } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Headers } from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { CorsPolicy } from './cors-policy.ts'
import { defineFilter } from './filter.ts'
import { headerName } from './header-spec.ts'
import { HTTP_METHODS } from './http-method.ts'
import { replaceResponse } from './replace-message.ts'

/** Lets pages of other origins use what is behind it (Fetch standard, section 3.2). */
export const corsAdaptor = defineFilter({
  kind: 'CORSAdaptor',
  description:
    'Answers preflight requests and lets pages of the allowed origins read responses. An origin is only ever allowed by name: with credentials, `*` allows nobody.',
  results: ['preflighted', 'rejected'],
  example: `name: cors
kind: CORSAdaptor
allowedOrigins: ["https://*.example.com"]
allowedMethods: [GET, POST, DELETE]
allowedHeaders: [Authorization, Content-Type]
allowCredentials: true
maxAge: 600`,
  notes: [
    'While every origin is allowed, `allowCredentials` has no effect: any page could act in the name of its visitor.',
  ],
  spec: z.strictObject({
    allowedOrigins: z
      .array(
        z
          .string()
          .min(1)
          .refine((origin) => origin.split('*').length <= 2, 'has more than one *'),
      )
      .default([])
      .describe('Origins, each with at most one `*`; all origins when empty.'),
    allowedMethods: z
      .array(z.enum(HTTP_METHODS))
      .default([])
      .describe('Methods a page may use; HEAD, GET and POST when empty.'),
    allowedHeaders: z
      .array(z.union([z.literal('*'), headerName()]))
      .default([])
      .describe('Headers a page may send beside the simple ones; `*` allows all.'),
    allowCredentials: z
      .boolean()
      .default(false)
      .describe('Pages may send cookies and credentials; not when all origins are allowed.'),
    exposedHeaders: z
      .array(headerName())
      .default([])
      .describe('Headers of the response a page may read.'),
    maxAge: z
      .int()
      .default(0)
      .describe('Seconds a browser may keep the answer to a preflight request; 0 says nothing.'),
  }),
  create(spec, env) {
    const policy = new CorsPolicy(spec)
    const varies: OwedPhase = {
      filter: env.filter,
      run: ({ response }) => response?.headers.add('Vary', 'Origin'),
    }
    return {
      handle(scope: MessageScope) {
        const { request } = scope
        const origin = request.headers.get('origin')
        if (origin === undefined || origin === '') {
          // A cache must not give the answer without fields to a page that needs them.
          if (!policy.isOpen) later(scope, varies)
          return undefined
        }
        const asked = request.headers.get('access-control-request-method')
        if (request.method === 'OPTIONS' && asked !== undefined && asked !== '') {
          const headers = request.headers.get('access-control-request-headers') ?? ''
          const fields = policy.preflight(origin, asked, headers)
          replaceResponse(scope, new Response(204, new Headers(fields)))
          return 'preflighted'
        }
        if (!policy.allows(origin)) {
          const refusal = fallbackResponse(scope.exchange, 403)
          refusal.headers.set('Vary', 'Origin')
          replaceResponse(scope, refusal)
          return 'rejected'
        }
        const fields = policy.actual(origin)
        later(scope, { filter: env.filter, run: ({ response }) => setAll(response, fields) })
        return undefined
      },
    }
  },
})

/** On the response that is there, or else on the one the flow will end with. */
function later(scope: MessageScope, phase: OwedPhase): void {
  const { exchange } = scope
  if (exchange.response === null) exchange.owe(phase)
  else void phase.run(exchange)
}

function setAll(response: Exchange['response'], fields: readonly string[]): void {
  if (response === null) return
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (name === 'Vary') response.headers.add(name, fields[i + 1] as string)
    else response.headers.set(name, fields[i + 1] as string)
  }
}
