import { compileRegexp, type Regexp } from '../config/regexp.ts'
import { reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { Response } from '../exchange/response.ts'
import type { HttpClient, UpstreamRequest } from '../http/engine.ts'

/** Bytes of an answer to a check that are looked at; more make the check fail when it looks at the body. */
export const MAX_CHECK_BODY_BYTES = 64 * 1024

/** Easegress's fields; times in milliseconds. */
export interface HealthCheckSpec {
  readonly interval: number
  readonly timeout: number
  /** Failures in a row that make an endpoint unhealthy. */
  readonly fails: number
  /** Passes in a row that make it healthy again. */
  readonly passes: number
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

/** Where checks go, and who is told. */
export interface HealthTarget {
  readonly client: HttpClient
  /** The Host field of a check. */
  readonly host: string
  readonly basePath: string
  /** An endpoint has become healthy or unhealthy; `reason` says why. */
  onChange(isHealthy: boolean, reason: string): void
}

/** Spread of the interval, so that the checks of many endpoints do not come all at once. */
const JITTER = 0.1

/**
 * Asks one endpoint again and again whether it is well. It counts as well until a check has failed.
 *
 *     healthy ──`fails` failures in a row──▶ unhealthy ──`passes` passes in a row──▶ healthy
 */
export class HealthChecker {
  readonly #spec: HealthCheckSpec
  readonly #target: HealthTarget
  readonly #request: UpstreamRequest
  readonly #matches: (response: Response, body: string | null) => string | null
  #isHealthy = true
  #failures = 0
  #passes = 0
  #isClosed = false
  #timer: NodeJS.Timeout | null = null

  constructor(spec: HealthCheckSpec, target: HealthTarget) {
    this.#spec = spec
    this.#target = target
    this.#request = requestOf(spec, target)
    this.#matches = compileMatch(spec.match)
  }

  /** The first check is made at once. */
  start(): void {
    void this.#check()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #check(): Promise<void> {
    const reason = await this.#ask()
    if (this.#isClosed) return
    this.#count(reason)
    const spread = 1 + JITTER * (2 * Math.random() - 1)
    this.#timer = setTimeout(() => void this.#check(), this.#spec.interval * spread)
    this.#timer.unref()
  }

  #count(reason: string | null): void {
    this.#failures = reason === null ? 0 : this.#failures + 1
    this.#passes = reason === null ? this.#passes + 1 : 0
    if (this.#isHealthy && this.#failures >= this.#spec.fails) {
      this.#isHealthy = false
      this.#target.onChange(false, reason ?? '')
    } else if (!this.#isHealthy && this.#passes >= this.#spec.passes) {
      this.#isHealthy = true
      this.#target.onChange(true, `${this.#passes} checks in a row passed`)
    }
  }

  /** Null when the check has passed, else why not. Never fails. */
  async #ask(): Promise<string | null> {
    const { timeout } = this.#spec
    const endsAt = performance.now() + timeout
    let response: Response
    try {
      response = await this.#target.client.send(this.#request, timeout, null)
    } catch (error) {
      return reasonOf(error)
    }
    const { body } = response
    // The timeout of the client ends with the head; a body that trickles must not hold the check up.
    const timer = setTimeout(
      () => body.cancel(new Error(`the body was not here within ${timeout} ms`)),
      Math.max(1, endsAt - performance.now()),
    )
    try {
      const bytes = await body.collect(MAX_CHECK_BODY_BYTES)
      return this.#matches(response, bytes.toString('utf8'))
    } catch (error) {
      body.cancel(new Error('the check has ended'))
      return this.#spec.match.body === null ? this.#matches(response, null) : reasonOf(error)
    } finally {
      clearTimeout(timer)
    }
  }
}

function requestOf(spec: HealthCheckSpec, target: HealthTarget): UpstreamRequest {
  const headers = Object.entries(spec.headers).flat()
  if (spec.username !== '') {
    const credentials = Buffer.from(`${spec.username}:${spec.password}`, 'utf8')
    headers.push('authorization', `Basic ${credentials.toString('base64')}`)
  }
  return {
    method: spec.method,
    target: spec.uri === '' ? `${target.basePath}/` : spec.uri,
    host: target.host,
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
