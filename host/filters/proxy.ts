import { duration, z } from '../config/schema.ts'
import { isGatewayError } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { forwardRequestHeaders } from '../http/forward.ts'
import { BALANCE_POLICIES } from '../upstream/policies/builtin.ts'
import { ServerPool } from '../upstream/server-pool.ts'
import { defineFilter } from './filter.ts'

const server = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:9095' })
    .describe('Where the server listens.'),
  keepHost: z
    .boolean()
    .default(false)
    .describe('Pass on the Host the client asked for, also when the server is named by host name.'),
})

const pool = z.strictObject({
  servers: z.array(server).min(1).describe('The endpoints.'),
  loadBalance: z
    .strictObject({
      policy: z
        .enum(BALANCE_POLICIES.map((kind) => kind.policy))
        .default('roundRobin')
        .describe('How an endpoint is chosen.'),
    })
    .prefault({})
    .describe('How requests are spread over the servers.'),
  timeout: duration()
    .prefault('15s')
    .describe('Time until the head of the answer is here; 0s waits for ever. Past it: 504.'),
})

/** Sends requests to an upstream and brings back its answer. */
export const proxy = defineFilter({
  kind: 'Proxy',
  description: 'Sends the request to one of the servers of a pool and takes its answer.',
  results: [
    'internalError',
    'clientError',
    'serverError',
    'failureCode',
    'timeout',
    'shortCircuited',
  ],
  spec: z.strictObject({
    pools: z
      .array(pool)
      .length(1, 'exactly one pool for now; candidate pools come later')
      .describe('The pools of servers.'),
  }),
  create(spec, env) {
    const [main] = spec.pools
    const servers = new ServerPool(
      main?.servers ?? [],
      main?.loadBalance.policy ?? 'roundRobin',
      env.engine,
      env.clients,
    )
    const timeoutMs = main?.timeout ?? 0
    const counts = { requests: 0, failures: 0 }
    return {
      handle(scope: MessageScope) {
        const endpoint = servers.choose(scope)
        if (endpoint === undefined) {
          scope.response = fallbackResponse(scope.exchange, 503)
          return 'internalError'
        }
        counts.requests += 1
        const { request, exchange } = scope
        const sent = {
          method: request.method,
          target: endpoint.basePath === '' ? request.target : endpoint.basePath + request.target,
          host: endpoint.host ?? request.host,
          headers: forwardRequestHeaders(request),
          body: request.body,
        }
        return endpoint.client.value.send(sent, timeoutMs, exchange).then(
          (response) => {
            scope.response = response
            return response.status >= 500 ? 'failureCode' : undefined
          },
          (error: unknown) => {
            counts.failures += 1
            const [status, result] = failureOf(error)
            exchange.tag(error instanceof Error ? error.message : String(error))
            scope.response = fallbackResponse(exchange, status)
            return result
          },
        )
      },
      status: () => ({ servers: servers.urls, ...counts }),
      close: () => servers.close(),
    }
  },
})

type Failure = 'clientError' | 'serverError' | 'timeout' | 'internalError'

function failureOf(error: unknown): readonly [status: number, result: Failure] {
  if (!isGatewayError(error)) return [500, 'internalError']
  switch (error.code) {
    case 'UPSTREAM_TIMEOUT':
      return [504, 'timeout']
    case 'UPSTREAM_ABORTED':
      return [499, 'clientError']
    case 'REQUEST_BODY_TOO_LARGE':
      return [413, 'clientError']
    case 'UPSTREAM_CONNECT':
    case 'UPSTREAM_INVALID':
      return [error.status, 'serverError']
    default:
      return [error.status, 'internalError']
  }
}
