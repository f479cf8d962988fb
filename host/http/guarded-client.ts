import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Agent, buildConnector } from 'undici'
import { reasonOf } from '../errors.ts'

/** Null when a connection to this address may be used, else why not. */
export type AddressGuard = (address: string, port: number) => string | null

export interface GuardedClientOptions {
  readonly guard: AddressGuard
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  /** Connections to one origin. */
  readonly connections: number
  /** Bytes of the header section of an answer. */
  readonly maxHeadBytes: number
}

export interface GuardedRequest {
  readonly method: string
  readonly url: URL
  /** A flat list, names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  /** For all of it, from the first look-up to the last byte. */
  readonly timeoutMs: number
  /** Bytes of the body of the answer. */
  readonly maxBodyBytes: number
}

/** What became of a request: what can go wrong with one is no exception here. */
export type GuardedAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** A flat list. Redirections are answers like any other. */
      readonly headers: readonly string[]
      readonly body: Uint8Array
    }
  | { readonly kind: 'refused' | 'timeout' | 'tooLarge' | 'failed'; readonly reason: string }

/** An address that the guard does not let through; undici hands it on as it is. */
class AddressRefused extends Error {}

class AnswerTooLarge extends Error {}

/**
 * Sends requests to hosts that somebody else has named. Each address is checked where it is connected to,
 * after the look-up: a name that means another address a moment later changes nothing.
 */
export class GuardedClient {
  readonly #options: GuardedClientOptions
  #agent: Promise<Agent> | null = null

  constructor(options: GuardedClientOptions) {
    this.#options = options
  }

  /** Never rejects. An abort of `signal` cuts the connection. */
  async send(request: GuardedRequest, signal: AbortSignal | null): Promise<GuardedAnswer> {
    const abort = new AbortController()
    let isLate = false
    const onAbort = (): void => abort.abort()
    signal?.addEventListener('abort', onAbort)
    const timer = setTimeout(() => {
      isLate = true
      abort.abort()
    }, request.timeoutMs)
    try {
      return await this.#exchange(request, abort.signal)
    } catch (error) {
      if (isLate) return { kind: 'timeout', reason: `no answer within ${request.timeoutMs} ms` }
      if (error instanceof AddressRefused) return { kind: 'refused', reason: error.message }
      if (error instanceof AnswerTooLarge) return { kind: 'tooLarge', reason: error.message }
      return { kind: 'failed', reason: reasonOf(error) }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    const agent = await this.#agent
    await agent?.destroy()
  }

  async #exchange(request: GuardedRequest, signal: AbortSignal): Promise<GuardedAnswer> {
    const { method, url, headers, maxBodyBytes } = request
    this.#agent ??= makeAgent(this.#options)
    const dispatcher = await this.#agent
    const { request: send } = await import('undici')
    const answer = await send(url, {
      dispatcher,
      // Its type knows the common methods only; the caller has checked that it is a token.
      method: method as 'GET',
      headers: [...headers],
      body: request.body.length === 0 ? null : Buffer.from(request.body),
      signal,
      responseHeaders: 'raw',
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      // Leaving the loop destroys the body, and with it the connection.
      if (size > maxBodyBytes)
        throw new AnswerTooLarge(`the answer has more than ${maxBodyBytes} bytes`)
      chunks.push(chunk)
    }
    return {
      kind: 'answer',
      status: answer.statusCode,
      headers: flatHeaders(answer.headers),
      body: Buffer.concat(chunks),
    }
  }
}

/** The library is loaded for the first request: most gateways have no plugin that calls anybody. */
async function makeAgent(options: GuardedClientOptions): Promise<Agent> {
  const { Agent, buildConnector } = await import('undici')
  return new Agent({
    allowH2: false,
    connect: guardedConnector(options, buildConnector),
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: options.keepAliveMs,
    keepAliveMaxTimeout: options.keepAliveMs,
    maxHeaderSize: options.maxHeadBytes,
    // One clock for all of a request: see `send`.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

function guardedConnector(
  { guard, connectTimeoutMs }: GuardedClientOptions,
  build: typeof buildConnector,
): buildConnector.connector {
  return (options, callback) => {
    const port = Number(
      options.port === '' ? (options.protocol === 'https:' ? 443 : 80) : options.port,
    )
    const name = options.hostname.replace(/^\[|\]$/g, '')
    // An address is not looked up, so nothing below would see it.
    const refused = isIP(name) === 0 ? null : guard(name, port)
    if (refused !== null) {
      callback(new AddressRefused(refused), null)
      return
    }
    const connect = build({
      allowH2: false,
      timeout: connectTimeoutMs,
      lookup: guardedLookup(guard, port),
    })
    connect(options, (error, socket) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      const late = guard(socket.remoteAddress ?? '', socket.remotePort ?? port)
      if (late === null) {
        callback(null, socket)
        return
      }
      socket.destroy()
      callback(new AddressRefused(late), null)
    })
  }
}

/** The system's look-up without the addresses that are refused. */
function guardedLookup(guard: AddressGuard, port: number): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const allowed = found.filter(({ address }) => guard(address, port) === null)
      const [first] = allowed
      if (first === undefined) {
        const reason = found[0] === undefined ? 'it has no address' : guard(found[0].address, port)
        callback(new AddressRefused(`${hostname}: ${reason}`), [])
      } else if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

/** undici gives raw headers as a list of bytes or texts, by version; both are one list of texts here. */
function flatHeaders(headers: unknown): string[] {
  if (Array.isArray(headers)) {
    return headers.map((one: unknown) =>
      one instanceof Uint8Array ? Buffer.from(one).toString('latin1') : String(one),
    )
  }
  return Object.entries(Object(headers)).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one) => [name, String(one)]),
  )
}
