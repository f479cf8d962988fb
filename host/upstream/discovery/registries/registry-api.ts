import { GatewayError } from '../../../errors.ts'
import { GuardedClient } from '../../../http/guarded-client.ts'

/** Time for one server of a registry to answer; then the next one is asked. */
export const REGISTRY_TIMEOUT_MS = 2_000
/** Bytes of an answer of a registry. */
export const MAX_REGISTRY_ANSWER_BYTES = 8 * 1024 * 1024
/** Connections to one server of a registry. */
const MAX_CONNECTIONS = 8
const KEEP_ALIVE_MS = 30_000
const MAX_HEAD_BYTES = 64 * 1024

export interface RegistryRequest {
  readonly method: 'GET' | 'POST'
  /** Put behind the address of the server; with its query. */
  readonly path: string
  /** A flat list, names and values in turn. */
  readonly headers: readonly string[]
  readonly body?: string
}

export interface RegistryAnswer {
  /** Below 500. */
  readonly status: number
  /** What the JSON of a 2xx answer holds; null for every other status. */
  readonly data: unknown
  /** Of the server that answered, without a password. */
  readonly origin: string
}

interface RegistryServer {
  readonly base: string
  readonly origin: string
  /** `Authorization` from the user and password in its address; empty for none. */
  readonly headers: readonly string[]
}

/** The HTTP API of a registry that runs on one or more servers. */
export class RegistryApi {
  readonly #servers: readonly RegistryServer[]
  readonly #client = new GuardedClient({
    // Whoever writes the configuration has named them.
    guard: () => null,
    connectTimeoutMs: REGISTRY_TIMEOUT_MS,
    keepAliveMs: KEEP_ALIVE_MS,
    connections: MAX_CONNECTIONS,
    maxHeadBytes: MAX_HEAD_BYTES,
  })
  /** Where the last answer came from: asked first. */
  #next = 0

  /** `bases` are URLs, each the beginning of every path. */
  constructor(bases: readonly string[]) {
    this.#servers = bases.map(parseServer)
  }

  /**
   * Asks one server after another until one answers with a status below 500. Fails with UPSTREAM_REGISTRY
   * when none does, and for a 2xx answer that is no JSON.
   */
  async ask(request: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    const reasons: string[] = []
    for (let tries = this.#servers.length; tries > 0 && !signal.aborted; tries--) {
      const server = this.#servers[this.#next] as RegistryServer
      const answer = await this.#client.send(
        {
          method: request.method,
          url: new URL(server.base + request.path),
          headers: [...request.headers, ...server.headers],
          body: Buffer.from(request.body ?? ''),
          timeoutMs: REGISTRY_TIMEOUT_MS,
          maxBodyBytes: MAX_REGISTRY_ANSWER_BYTES,
        },
        signal,
      )
      if (answer.kind === 'answer' && answer.status < 500) {
        const isGood = answer.status >= 200 && answer.status < 300
        const data = isGood ? parse(answer.body, server.origin) : null
        return { status: answer.status, data, origin: server.origin }
      }
      const reason = answer.kind === 'answer' ? `it answered ${answer.status}` : answer.reason
      reasons.push(`${server.origin}: ${reason}`)
      this.#next = (this.#next + 1) % this.#servers.length
    }
    throw new GatewayError('UPSTREAM_REGISTRY', { reason: reasons.join('; ') || 'it was closed' })
  }

  /** The same for calls whose every answer but 2xx is a failure. */
  async read(request: RegistryRequest, signal: AbortSignal): Promise<unknown> {
    const { status, data, origin } = await this.ask(request, signal)
    if (status >= 200 && status < 300) return data
    throw registryFailure(origin, `it answered ${status}`)
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** The error of a registry whose answer cannot be used. */
export function registryFailure(origin: string, reason: string): GatewayError<'UPSTREAM_REGISTRY'> {
  return new GatewayError('UPSTREAM_REGISTRY', { reason: `${origin}: ${reason}` })
}

function parseServer(base: string): RegistryServer {
  const url = new URL(base)
  const { username, password, origin } = url
  url.username = ''
  url.password = ''
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const basic = `Basic ${Buffer.from(user).toString('base64')}`
  const headers = username === '' ? [] : ['Authorization', basic]
  return { base: url.href.replace(/\/+$/, ''), origin, headers }
}

function parse(body: Uint8Array, origin: string): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch (error) {
    const reason = `it answered what is no JSON: ${Buffer.from(body).toString('utf8', 0, 60)}`
    throw new GatewayError('UPSTREAM_REGISTRY', { reason: `${origin}: ${reason}` }, error)
  }
}
