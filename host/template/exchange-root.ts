import type { Body } from '../exchange/body.ts'
import { DEFAULT_NAMESPACE, type Exchange, type MessageScope } from '../exchange/exchange.ts'
import type { Request } from '../exchange/request.ts'
import type { Response } from '../exchange/response.ts'
import type { TemplateReads } from './reads.ts'
import { RequestView } from './request-view.ts'
import { ResponseView } from './response-view.ts'
import { type Dict, newDict, type Value } from './value.ts'

/**
 * What a template of a filter sees:
 *
 *     .req  .resp                     request and response of DEFAULT
 *     .requests.NS  .responses.NS     those of every namespace that has them
 *     .data.PIPELINE  .data.NAME      the pipeline's `data`, and what DataBuilders made
 *     .namespace                      the namespace the filter works in
 */
export function exchangeRoot(scope: MessageScope, pipelineData: Dict): Dict {
  const { exchange } = scope
  const requests = newDict()
  const responses = newDict()
  forEachMessage(exchange, (namespace, request, response) => {
    if (request !== null) requests[namespace] = new RequestView(request, namespace)
    if (response !== null) responses[namespace] = new ResponseView(response, namespace)
  })
  const data = newDict()
  data['PIPELINE'] = pipelineData
  if (exchange.values !== null) {
    // DataBuilder puts nothing but values of templates there.
    for (const [name, value] of exchange.values) data[name] = value as Value
  }
  const root = newDict()
  root['req'] = requests[DEFAULT_NAMESPACE]
  root['resp'] = responses[DEFAULT_NAMESPACE]
  root['requests'] = requests
  root['responses'] = responses
  root['data'] = data
  root['namespace'] = scope.namespace
  return root
}

/**
 * Waits until the bodies a template reads are there as a whole; nothing when they are. Fails with
 * REQUEST_BODY_TOO_LARGE past the limit of `Body.collect`, or as the body fails.
 */
export function collectBodies(exchange: Exchange, reads: TemplateReads): Promise<void> | undefined {
  const { requestBodies, responseBodies } = reads
  if (requestBodies?.size === 0 && responseBodies?.size === 0) return undefined
  const waiting: Promise<unknown>[] = []
  const collect = (message: Request | Response | null): void => {
    if (message === null || message.body.isWhole) return
    const pending = collectOnce(message.body)
    if (pending !== undefined) waiting.push(pending)
  }
  forEachMessage(exchange, (namespace, request, response) => {
    if (requestBodies === null || requestBodies.has(namespace)) collect(request)
    if (responseBodies === null || responseBodies.has(namespace)) collect(response)
  })
  return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined)
}

/** Bodies that are being collected: a parallel branch may want the same one. */
const collecting = new WeakMap<Body, Promise<unknown>>()

function collectOnce(body: Body): Promise<unknown> | undefined {
  const known = collecting.get(body)
  if (known !== undefined) return known
  // One that was sent on stays unreadable; the template that asks for it learns that.
  if (body.isConsumed) return undefined
  const bytes = body.collect()
  if (!(bytes instanceof Promise)) return undefined
  collecting.set(body, bytes)
  return bytes
}

function forEachMessage(
  exchange: Exchange,
  visit: (namespace: string, request: Request | null, response: Response | null) => void,
): void {
  visit(DEFAULT_NAMESPACE, exchange.request, exchange.response)
  if (exchange.scopes === null) return
  for (const scope of exchange.scopes.values()) {
    visit(scope.namespace, scope.hasRequest ? scope.request : null, scope.response)
  }
}
