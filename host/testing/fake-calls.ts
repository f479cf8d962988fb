import { Headers } from '../exchange/headers.ts'
import type { PluginSetup } from '../wasm/executor.ts'
import { LOCAL_GRANT } from '../wasm/grant/grant.ts'
import { type HostCall, hostCallsByName } from '../wasm/host-call.ts'
import { Errno } from '../wasm/limits.ts'
import { CallDesk } from '../wasm/outbound/call-desk.ts'
import {
  type CallOrigin,
  type CallPort,
  type GuestAnswer,
  type GuestAsk,
  refusal,
} from '../wasm/outbound/guest-ask.ts'
import { allowsUrl } from '../wasm/outbound/host-list.ts'
import { parseAsk } from '../wasm/outbound/http-ask.ts'
import { OUTBOUND_LIMITS } from '../wasm/outbound/outbound-limits.ts'
import { HeaderList } from './header-list.ts'
import { makeTestResponse, type TestResponse } from './test-messages.ts'

/** A call the filter has made, as the other service sees it. */
export interface OutboundCall {
  readonly method: string
  readonly url: URL
  readonly headers: HeaderList
  /** The body, read as UTF-8. */
  readonly body: string
}

/** What the other service answers; `timeout` for none in time, an Error for one that cannot be reached. */
export type FakeAnswer = TestResponse | 'timeout' | Error

/** Stands for the services the filter calls. */
export type FakeService = (call: OutboundCall) => FakeAnswer | Promise<FakeAnswer>

const NO_SERVICE: FakeService = () => new Error('the test has no service for it')

/** The calls of a filter under test: nothing leaves the process. */
export class FakeCalls implements CallPort {
  /** Every call that was made, in order. */
  readonly made: OutboundCall[] = []
  readonly #service: FakeService | null
  readonly #functions: CallDesk

  constructor(service: FakeService | null, functions: readonly HostCall[], plugin: string) {
    this.#service = service
    this.#functions = new CallDesk({
      functions: hostCallsByName(functions),
      namesOf: () => ({ plugin, pipeline: 'test-pipeline', filter: plugin }),
      isOwnListener: () => false,
      onDenied: () => undefined,
      onFunctionFailed: () => undefined,
    })
  }

  async call(setup: PluginSetup, ask: GuestAsk, origin: CallOrigin): Promise<GuestAnswer> {
    if (ask.kind === 'function') return await this.#functions.call(setup, ask, origin, null)
    const request = parseAsk(ask.head)
    if ('code' in request) return request
    const { method, url } = request
    if (!allowsUrl((setup.grant ?? LOCAL_GRANT).outbound, url)) {
      return refusal(Errno.denied, `${url.host} is not granted`)
    }
    const headers = new HeaderList(new Headers(request.headers))
    const call = { method, url, headers, body: new TextDecoder().decode(ask.body) }
    this.made.push(call)
    const service = this.#service ?? NO_SERVICE
    const answer = await Promise.resolve(service(call))
    if (answer === 'timeout') return refusal(Errno.timedOut, 'no answer in time')
    if (answer instanceof Error) return refusal(Errno.unavailable, answer.message)
    const response = makeTestResponse(answer)
    const body = await response.body.collect(OUTBOUND_LIMITS.answerBytes)
    let head = ''
    for (const [name, value] of new HeaderList(response.headers).entries) {
      head += `${name}: ${value}\n`
    }
    return { code: response.status, head, body }
  }
}
