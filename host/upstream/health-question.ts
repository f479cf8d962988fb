import { randomBytes } from 'node:crypto'
import { compileRegexp, type Regexp } from '../config/regexp.ts'
import { reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import { Headers } from '../exchange/headers.ts'
import type { Response } from '../exchange/response.ts'
import type { HttpClient, UpstreamRequest } from '../http/engine.ts'
import { ForwardedFields } from '../http/forward.ts'
import { answerOf } from '../http/promised-answer.ts'
import { closeFrame, NORMAL_CLOSURE } from '../http/websocket/frame-watch.ts'
import { checkAcceptance, WEBSOCKET_VERSION } from '../http/websocket/handshake.ts'

/** Bytes of an answer to a check that are looked at; more make the check fail when it looks at the body. */
export const MAX_CHECK_BODY_BYTES = 64 * 1024

/** What an endpoint is asked, and what it must answer. Easegress's fields. */
export interface HealthQuestionSpec {
  /** Opens a WebSocket, and closes it at once. */
  readonly isWebSocket: boolean
  /** 0 for the port of the server. */
  readonly port: number
  readonly uri: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly username: string
  readonly password: string
  readonly match: HealthMatchSpec
}

/** What an answer must look like: one of the ranges, every header, and the body. */
export interface HealthMatchSpec {
  readonly statusCodes: readonly (readonly [from: number, to: number])[]
  readonly headers: readonly {
    readonly name: string
    readonly value: string
    readonly type: 'exact' | 'regexp'
  }[]
  readonly body: { readonly value: string; readonly type: 'contains' | 'regexp' } | null
}

/** One question to one endpoint, asked again and again. */
export class HealthQuestion {
  readonly #spec: HealthQuestionSpec
  readonly #client: HttpClient
  readonly #request: UpstreamRequest
  readonly #matches: (response: Response, body: string | null) => string | null

  /** `host` is the Host field; `basePath` is asked for when the question has no `uri`. */
  constructor(spec: HealthQuestionSpec, client: HttpClient, host: string, basePath: string) {
    this.#spec = spec
    this.#client = client
    this.#request = requestOf(spec, host, basePath)
    this.#matches = compileMatch(spec.match)
  }

  /** Null when the answer is well, else why not. Never fails, and never takes longer than `timeoutMs`. */
  async ask(timeoutMs: number): Promise<string | null> {
    try {
      return this.#spec.isWebSocket
        ? await this.#askWebSocket(timeoutMs)
        : await this.#askHttp(timeoutMs)
    } catch (error) {
      return reasonOf(error)
    }
  }

  async #askHttp(timeoutMs: number): Promise<string | null> {
    const endsAt = performance.now() + timeoutMs
    const response = await answerOf(this.#client, this.#request, timeoutMs, null)
    const { body } = response
    // The timeout of the client ends with the head; a body that trickles must not hold the check up.
    const timer = setTimeout(
      () => body.cancel(`the body was not here within ${timeoutMs} ms`),
      Math.max(1, endsAt - performance.now()),
    )
    try {
      const bytes = await body.collect(MAX_CHECK_BODY_BYTES)
      return this.#matches(response, bytes.toString('utf8'))
    } catch (error) {
      body.cancel('the check has ended')
      return this.#spec.match.body === null ? this.#matches(response, null) : reasonOf(error)
    } finally {
      clearTimeout(timer)
    }
  }

  async #askWebSocket(timeoutMs: number): Promise<string | null> {
    const { headers: written } = this.#request
    const list = [
      ...(written instanceof ForwardedFields ? written.list : written),
      ...['sec-websocket-key', randomBytes(16).toString('base64')],
      ...['sec-websocket-version', WEBSOCKET_VERSION],
    ]
    const sent = { ...this.#request, headers: list, upgrade: 'websocket' }
    const response = await answerOf(this.#client, sent, timeoutMs, null)
    const { tunnel } = response
    const reason =
      this.#matches(response, null) ??
      (tunnel === null ? null : checkAcceptance({ headers: new Headers(list) }, response))
    if (tunnel === null || reason !== null) {
      response.body.cancel('the check has ended')
    } else {
      tunnel.peer.write(closeFrame(NORMAL_CLOSURE, true))
      tunnel.peer.destroySoon()
    }
    return reason
  }
}

function requestOf(spec: HealthQuestionSpec, host: string, basePath: string): UpstreamRequest {
  const headers = Object.entries(spec.headers).flat()
  if (spec.username !== '') {
    const credentials = Buffer.from(`${spec.username}:${spec.password}`, 'utf8')
    headers.push('authorization', `Basic ${credentials.toString('base64')}`)
  }
  return {
    method: spec.method,
    target: spec.uri === '' ? `${basePath}/` : spec.uri,
    host,
    headers,
    // Whole bytes stay where they are: every check sends the same body again.
    body: spec.body === '' ? Body.none : Body.text(spec.body),
  }
}

function compileMatch(
  spec: HealthMatchSpec,
): (response: Response, body: string | null) => string | null {
  const headers = spec.headers.map(({ name, value, type }) => ({
    name: name.toLowerCase(),
    value,
    regexp: type === 'regexp' ? compileRegexp(value) : null,
  }))
  const bodyRegexp: Regexp | null =
    spec.body?.type === 'regexp' ? compileRegexp(spec.body.value) : null
  return (response, body) => {
    const { status } = response
    if (!spec.statusCodes.some(([from, to]) => status >= from && status <= to)) {
      return `it answered ${status}`
    }
    for (const { name, value, regexp } of headers) {
      const seen = response.headers.get(name) ?? ''
      if (regexp === null ? seen !== value : !regexp.test(seen)) {
        return `the header ${name} does not match`
      }
    }
    if (spec.body === null || body === null) return null
    const isMatch = bodyRegexp === null ? body.includes(spec.body.value) : bodyRegexp.test(body)
    return isMatch ? null : 'the body does not match'
  }
}
