import { monotonicMs } from '../../clock.ts'
import { reasonOf } from '../../errors.ts'
import { type GuardedAnswer, GuardedClient } from '../../http/guarded-client.ts'
import { endCall, failCall, traceOutbound } from '../../observe/tracing/call-span.ts'
import { tracedFields } from '../../observe/tracing/call-trace.ts'
import type { Span } from '../../observe/tracing/span.ts'
import type { PluginSetup } from '../executor.ts'
import { LOCAL_GRANT } from '../grant/grant.ts'
import type { HostCall } from '../host-call.ts'
import { Errno } from '../limits.ts'
import { isPublicAddress, plainAddress } from './address.ts'
import {
  type CallOrigin,
  type CallPort,
  type GuestAnswer,
  type GuestAsk,
  refusal,
} from './guest-ask.ts'
import { allowsUrl } from './host-list.ts'
import { parseAsk } from './http-ask.ts'
import { OUTBOUND_LIMITS } from './outbound-limits.ts'

type HttpAsk = Extract<GuestAsk, { kind: 'http' }>
type FunctionAsk = Extract<GuestAsk, { kind: 'function' }>

/** Where a guest belongs to, for the functions it calls. */
export interface CallerNames {
  readonly plugin: string
  readonly pipeline: string
  readonly filter: string
}

export interface CallDeskOptions {
  readonly functions: ReadonlyMap<string, HostCall>
  readonly namesOf: (setupId: number) => CallerNames
  /** Is this one of our own listeners? The address is plain, of this machine or another. */
  readonly isOwnListener: (address: string, port: number) => boolean
  /** A call that the grant does not have. */
  readonly onDenied: (setup: PluginSetup, capability: string, requestId: string) => void
  /** What a function of the embedder has thrown. */
  readonly onFunctionFailed: (setup: PluginSetup, name: string, error: unknown) => void
}

/**
 * Makes the calls guests wait for, in the event loop, and checks each against the grant once more: this
 * side answers for what leaves the machine.
 */
export class CallDesk implements CallPort {
  readonly #options: CallDeskOptions
  /** Calls under way, by setup. */
  readonly #inFlight = new Map<number, number>()
  /** By whether private addresses may be reached; made when first needed. */
  readonly #clients = new Map<boolean, GuardedClient>()

  constructor(options: CallDeskOptions) {
    this.#options = options
  }

  async call(
    setup: PluginSetup,
    ask: GuestAsk,
    origin: CallOrigin,
    signal: AbortSignal | null,
  ): Promise<GuestAnswer> {
    const waiting = this.#inFlight.get(setup.id) ?? 0
    if (waiting >= OUTBOUND_LIMITS.inFlight) {
      return refusal(
        Errno.unavailable,
        `${OUTBOUND_LIMITS.inFlight} calls of the filter are under way`,
      )
    }
    this.#inFlight.set(setup.id, waiting + 1)
    try {
      return ask.kind === 'http'
        ? await this.#http(setup, ask, origin, signal)
        : await this.#function(setup, ask, origin.requestId, signal)
    } finally {
      const left = (this.#inFlight.get(setup.id) ?? 1) - 1
      if (left > 0) this.#inFlight.set(setup.id, left)
      else this.#inFlight.delete(setup.id)
    }
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map((client) => client.close()))
  }

  async #http(
    setup: PluginSetup,
    ask: HttpAsk,
    { requestId, callTrace = null }: CallOrigin,
    signal: AbortSignal | null,
  ): Promise<GuestAnswer> {
    const grant = setup.grant ?? LOCAL_GRANT
    const request = parseAsk(ask.head)
    if ('code' in request) return request
    if (!allowsUrl(grant.outbound, request.url)) {
      this.#options.onDenied(setup, 'outbound', requestId)
      return refusal(Errno.denied, `${request.url.host} is not granted`)
    }
    const timeoutMs = Math.min(
      ask.timeoutMs === 0 ? OUTBOUND_LIMITS.timeoutMs : ask.timeoutMs,
      OUTBOUND_LIMITS.maxTimeoutMs,
    )
    const { method, url } = request
    const maxBodyBytes = OUTBOUND_LIMITS.answerBytes
    const span = callTrace === null ? null : traceOutbound(callTrace, method, url)
    const headers =
      callTrace === null ? request.headers : tracedFields(request.headers, callTrace, span)
    const outgoing = { method, url, headers, body: ask.body, timeoutMs, maxBodyBytes }
    const answer = await this.#client(grant.allowPrivate).send(outgoing, signal)
    if (span !== null) endSpan(span, answer)
    switch (answer.kind) {
      case 'answer':
        return { code: answer.status, head: headOf(answer.headers), body: answer.body }
      case 'refused':
        this.#options.onDenied(setup, 'outbound', requestId)
        return refusal(Errno.denied, answer.reason)
      case 'timeout':
        return refusal(Errno.timedOut, answer.reason)
      case 'tooLarge':
        return refusal(Errno.tooLarge, answer.reason)
      case 'failed':
        return refusal(Errno.unavailable, answer.reason)
    }
  }

  async #function(
    setup: PluginSetup,
    ask: FunctionAsk,
    requestId: string,
    signal: AbortSignal | null,
  ): Promise<GuestAnswer> {
    const found = this.#options.functions.get(ask.name)
    const isGranted = (setup.grant ?? LOCAL_GRANT).functions.includes(ask.name)
    if (found === undefined || !isGranted) {
      this.#options.onDenied(setup, `functions ${ask.name}`, requestId)
      return refusal(Errno.denied, `the function ${ask.name} is not granted`)
    }
    if (ask.argument.length > found.maxBytes) {
      return refusal(Errno.tooLarge, `the argument has more than ${found.maxBytes} bytes`)
    }
    const abort = new AbortController()
    const onAbort = (): void => abort.abort()
    signal?.addEventListener('abort', onAbort)
    const startedAtMs = monotonicMs()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), found.timeoutMs)
    })
    try {
      const names = this.#options.namesOf(setup.id)
      const running = found.run(ask.argument, { ...names, requestId, signal: abort.signal })
      const answer = await Promise.race([running, late])
      if (answer === null) {
        abort.abort()
        // Nobody waits for it: what it throws later is noted all the same.
        running.catch((error: unknown) => this.#options.onFunctionFailed(setup, ask.name, error))
        const ms = Math.round(monotonicMs() - startedAtMs)
        return refusal(Errno.timedOut, `the function ${ask.name} did not answer within ${ms} ms`)
      }
      if (!(answer instanceof Uint8Array)) {
        return refusal(Errno.failed, `the function ${ask.name} gave no bytes`)
      }
      if (answer.length > found.maxBytes) {
        return refusal(Errno.tooLarge, `the answer has more than ${found.maxBytes} bytes`)
      }
      return { code: 0, head: '', body: answer }
    } catch (error) {
      this.#options.onFunctionFailed(setup, ask.name, error)
      return refusal(Errno.failed, reasonOf(error).slice(0, 1_024))
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #client(allowPrivate: boolean): GuardedClient {
    let client = this.#clients.get(allowPrivate)
    if (client === undefined) {
      client = new GuardedClient({
        guard: (address, port) => this.#refuse(address, port, allowPrivate),
        connectTimeoutMs: OUTBOUND_LIMITS.connectTimeoutMs,
        keepAliveMs: OUTBOUND_LIMITS.keepAliveMs,
        connections: OUTBOUND_LIMITS.connections,
        maxHeadBytes: OUTBOUND_LIMITS.answerHeadBytes,
      })
      this.#clients.set(allowPrivate, client)
    }
    return client
  }

  #refuse(address: string, port: number, allowPrivate: boolean): string | null {
    const plain = plainAddress(address)
    if (this.#options.isOwnListener(plain, port)) {
      return `${plain}:${port} is a listener of this gateway`
    }
    if (allowPrivate || isPublicAddress(plain)) return null
    return `${plain} is a private address`
  }
}

function endSpan(span: Span, answer: GuardedAnswer): void {
  if (answer.kind === 'answer') endCall(span, answer.status)
  else failCall(span, answer.reason)
}

function headOf(headers: readonly string[]): string {
  let text = ''
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\n`
  return text
}
