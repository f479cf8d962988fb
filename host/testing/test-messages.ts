import { GatewayError } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import { APART, isFieldValue, isToken } from '../exchange/field-rules.ts'
import { Headers } from '../exchange/headers.ts'
import { Request } from '../exchange/request.ts'
import { Response } from '../exchange/response.ts'
import type { HeaderPair, HeadersInit } from './header-list.ts'

/** A request to run through a filter. What is left out is that of a plain GET from this machine. */
export interface TestRequest {
  /** Default GET. */
  readonly method?: string
  /** Path and query as they are sent: percent-encoded, starting with "/". Default "/". */
  readonly path?: string
  /** What the client calls the server. Default localhost. */
  readonly host?: string
  readonly headers?: HeadersInit
  /** Text is sent as UTF-8. Default none. */
  readonly body?: string | Uint8Array
  /** Default http. */
  readonly scheme?: 'http' | 'https'
  /** Default 1.1. */
  readonly protocol?: '1.0' | '1.1' | '2'
  /** Default 127.0.0.1. */
  readonly clientAddress?: string
}

/** What the upstream behind the filter answers. */
export interface TestResponse {
  /** Default 200. */
  readonly status?: number
  readonly headers?: HeadersInit
  readonly body?: string | Uint8Array
}

/** TESTING_INPUT for what a gateway would never let reach a filter. */
export function makeTestRequest(init: TestRequest): Request {
  const { method = 'GET', path = '/', host = 'localhost' } = init
  if (!isToken(method)) throw invalid(`"${method}" is no method`)
  if (!/^\/[!-~]*$/.test(path)) throw invalid(`the path "${path}" is not what a client sends`)
  const fields = listOf(init.headers)
  // A gateway's request always has the field; the test may write its own.
  const hasHost = fields.some((text, index) => index % 2 === 0 && text.toLowerCase() === 'host')
  return new Request(
    method,
    path,
    init.scheme ?? 'http',
    host,
    init.protocol ?? '1.1',
    headersOf(hasHost ? fields : ['Host', host, ...fields]),
    bodyOf(init.body),
    init.clientAddress ?? '127.0.0.1',
  )
}

export function makeTestResponse(init: TestResponse): Response {
  const { status = 200 } = init
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw invalid(`${status} is no status between 200 and 599`)
  }
  return new Response(status, headersOf(listOf(init.headers)), bodyOf(init.body))
}

/** As engine native hands them over: as lines, and before them those that stand apart. */
function headersOf(list: readonly string[]): Headers {
  let lines = ''
  let apart = ''
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    const line = `${name}: ${list[i + 1]}\r\n`
    if (APART.has(name.toLowerCase())) apart += line
    else lines += line
  }
  return Headers.fromLines(lines, apart)
}

function listOf(init: HeadersInit | undefined): string[] {
  const pairs: HeaderPair[] = isPairs(init)
    ? [...init]
    : Object.entries(init ?? {}).flatMap(([name, value]) =>
        (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
      )
  return pairs.flatMap(([name, value]) => {
    if (!isToken(name)) throw invalid(`"${name}" is no header name`)
    if (!isFieldValue(value)) throw invalid(`"${value}" is no value of the header ${name}`)
    return [name, value]
  })
}

function isPairs(init: HeadersInit | undefined): init is readonly HeaderPair[] {
  return Array.isArray(init)
}

function bodyOf(body: string | Uint8Array | undefined): Body {
  if (body === undefined) return Body.none
  // A copy: the filter's body must not change when the test's buffer does.
  return typeof body === 'string' ? Body.text(body) : Body.bytes(Buffer.from(body))
}

function invalid(reason: string): GatewayError {
  return new GatewayError('TESTING_INPUT', { reason })
}
