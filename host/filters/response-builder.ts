import type { JsonValue } from '../config/json.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { Headers } from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { builtHeaders, builtMap, builtText } from './built-message.ts'
import { defineFilter } from './filter.ts'
import { builderSpec, messageBuilder } from './message-builder.ts'
import { replaceResponse } from './replace-message.ts'
import { refuseBuilt } from './template-builder.ts'
import { TEMPLATE_NOTE } from './template-fields.ts'

/** Makes the response of its namespace, from a template or from that of another namespace. */
export const responseBuilder = defineFilter({
  kind: 'ResponseBuilder',
  description:
    'Makes a new response in its namespace: from a template, or by taking that of another namespace.',
  results: ['buildErr'],
  requestUse: 'ignores',
  example: `name: both
kind: ResponseBuilder
template: |
  statusCode: 200
  headers:
    Content-Type: [application/json]
  body: |
    {"user": {{.responses.user.Body}}, "orders": {{.responses.orders.Body}}}`,
  notes: [TEMPLATE_NOTE, 'Only the protocol http is supported.'],
  spec: builderSpec('statusCode, headers and body of the response'),
  create: (spec, env) => messageBuilder(spec, env, { share, make }),
})

function make(scope: MessageScope, data: JsonValue): void {
  replaceResponse(scope, responseFrom(data))
}

/** Both namespaces have the same response from now on. Only one of them can send its body. */
function share(scope: MessageScope, source: string): 'buildErr' | undefined {
  const { response } = scope.exchange.scope(source)
  if (response === null) {
    scope.exchange.tag(`there is no response in the namespace ${source}`)
    return 'buildErr'
  }
  replaceResponse(scope, response)
  return undefined
}

function responseFrom(data: JsonValue): Response {
  const fields = builtMap(data)
  const status = Number(builtText(fields, 'statusCode') || '200')
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw refuseBuilt(`the status code ${fields['statusCode']} is not one of 200 to 599`)
  }
  const body = Body.text(builtText(fields, 'body'))
  return new Response(status, new Headers(builtHeaders(fields)), body)
}
