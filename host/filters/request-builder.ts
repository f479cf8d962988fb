import { isJsonObject, type JsonValue } from '../config/json.ts'
import { reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import { isToken } from '../exchange/field-rules.ts'
import { Headers } from '../exchange/headers.ts'
import { NamespaceScope } from '../exchange/namespace-scope.ts'
import { Request } from '../exchange/request.ts'
import { builtHeaders, builtMap, builtText } from './built-message.ts'
import { defineFilter } from './filter.ts'
import { buildFormData } from './form-data.ts'
import { builderSpec, messageBuilder } from './message-builder.ts'
import { refuseBuilt } from './template-builder.ts'
import { TEMPLATE_NOTE } from './template-fields.ts'

/** Makes the request of its namespace, from a template or from that of another namespace. */
export const requestBuilder = defineFilter({
  kind: 'RequestBuilder',
  description:
    'Makes a new request in its namespace: from a template, or by taking that of another namespace.',
  results: ['buildErr'],
  requestUse: 'makes',
  example: `name: ask
kind: RequestBuilder
template: |
  method: POST
  url: /audit?user={{.req.Header.Get "X-User" | urlQueryEscape}}
  headers:
    Content-Type: [application/json]
  body: '{"path": "{{.req.URL.Path | jsonEscape}}"}'`,
  notes: [TEMPLATE_NOTE, 'Only the protocol http is supported.'],
  spec: builderSpec('method, url, headers, body and formData of the request'),
  create: (spec, env) => messageBuilder(spec, env, { share, make }),
})

function make(scope: MessageScope, data: JsonValue): void {
  scope.request = requestFrom(data, scope.exchange)
}

/** Both namespaces have the same request from now on; its body is kept, so that each can send it. */
function share(
  scope: MessageScope,
  source: string,
): 'buildErr' | undefined | Promise<'buildErr' | undefined> {
  const from = scope.exchange.scope(source)
  if (from instanceof NamespaceScope && !from.hasRequest) {
    scope.exchange.tag(`there is no request in the namespace ${source}`)
    return 'buildErr'
  }
  const { request } = from
  scope.request = request
  if (request.body.isWhole || request.body.isConsumed) return undefined
  const bytes = request.body.collect()
  if (!(bytes instanceof Promise)) return undefined
  return bytes.then(
    () => undefined,
    (error: unknown) => {
      scope.exchange.tag(`the body in ${source}: ${reasonOf(error)}`)
      return 'buildErr'
    },
  )
}

function requestFrom(data: JsonValue, exchange: Exchange): Request {
  const fields = builtMap(data)
  const method = (builtText(fields, 'method') || 'GET').toUpperCase()
  if (!isToken(method)) throw refuseBuilt(`"${method}" is not a method`)
  const { scheme, host, target } = splitUrl(builtText(fields, 'url') || '/', exchange.request)
  const headers = Headers.own(builtHeaders(fields))
  const text = builtText(fields, 'body')
  const form = fields['formData']
  let body = Body.text(text)
  if (text === '' && form !== undefined && form !== null) {
    if (!isJsonObject(form)) throw refuseBuilt('`formData` must be a map')
    const built = buildFormData(form)
    headers.set('Content-Type', built.contentType)
    body = Body.bytes(built.body)
  }
  const { remoteAddress } = exchange.request
  return new Request(method, target, scheme, host, '1.1', headers, body, remoteAddress)
}

/** A URL with a host, or a path: then the host is the one the client asked for. */
function splitUrl(
  url: string,
  client: Request,
): { readonly scheme: 'http' | 'https'; readonly host: string; readonly target: string } {
  const isPath = url.startsWith('/')
  let parsed: URL
  try {
    parsed = new URL(isPath ? `http://path.invalid${url}` : url)
  } catch {
    throw refuseBuilt(`"${url}" is not a URL`)
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw refuseBuilt(`"${url}" is not an http or https URL`)
  }
  const target = parsed.pathname + parsed.search
  if (isPath) return { scheme: client.scheme, host: client.host, target }
  return { scheme: parsed.protocol === 'https:' ? 'https' : 'http', host: parsed.host, target }
}
