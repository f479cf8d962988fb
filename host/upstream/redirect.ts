import { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'
import type { UpstreamRequest } from '../http/engine.ts'
import { ForwardedFields } from '../http/forward.ts'
import { answerOf } from '../http/promised-answer.ts'
import type { Endpoint } from './endpoint.ts'

/** How far redirects are followed. */
export interface RedirectRules {
  readonly maxRedirection: number
  readonly timeoutMs: number
  /** The endpoints of the pool. */
  readonly endpoints: readonly Endpoint[]
}

/**
 * Follows redirects in place of the client. Only to endpoints of the same pool: an upstream that answers
 * with a foreign address must not make the gateway call it. Such an answer, and the one that is one too
 * many, goes to the client as it is.
 */
export async function followRedirects(
  first: Response,
  sent: UpstreamRequest,
  from: Endpoint,
  rules: RedirectRules,
  exchange: Exchange,
): Promise<Response> {
  let response = first
  let request = sent
  let endpoint = from
  for (let count = 0; count < rules.maxRedirection; count++) {
    const next = nextHop(response, request, endpoint, rules.endpoints)
    if (next === null) return response
    response.body.cancel('the redirect is followed')
    request = next.request
    endpoint = next.endpoint
    response = await answerOf(endpoint.client.value, request, rules.timeoutMs, exchange)
  }
  return response
}

function nextHop(
  response: Response,
  request: UpstreamRequest,
  endpoint: Endpoint,
  endpoints: readonly Endpoint[],
): { readonly endpoint: Endpoint; readonly request: UpstreamRequest } | null {
  const { status } = response
  const location = response.headers.get('location')
  if (!isRedirect(status) || location === undefined) return null
  const here = `${endpoint.origin}${request.target}`
  if (!URL.canParse(location, here)) return null
  const url = new URL(location, here)
  // An upstream that is given the client's Host writes its own address with it.
  const isSelf = url.origin === endpoint.origin || url.host === request.host.toLowerCase()
  const target = isSelf ? endpoint : endpoints.find((one) => one.origin === url.origin)
  if (target === undefined) return null
  const keepsMethod = status === 307 || status === 308 || isSafe(request.method)
  if (keepsMethod && request.body.isConsumed) return null
  const headers = keepsMethod ? request.headers : withoutContent(request.headers)
  return {
    endpoint: target,
    request: {
      method: keepsMethod ? request.method : 'GET',
      target: `${url.pathname}${url.search}`,
      host: isSelf ? request.host : (target.host ?? request.host),
      headers,
      body: keepsMethod ? request.body : Body.none,
    },
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Fields that describe a body that is not sent any more (RFC 9110, section 15.4). */
function withoutContent(headers: readonly string[] | ForwardedFields): string[] {
  const list = headers instanceof ForwardedFields ? headers.list : headers
  const kept: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (!/^(?:content-|digest$|last-modified$)/i.test(name)) {
      kept.push(name, list[i + 1] as string)
    }
  }
  return kept
}
