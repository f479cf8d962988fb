import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { GatewayError } from '../errors.ts'
import { OutboundCall, type OutboundEnv } from '../filters/outbound-call.ts'
import type { TraceResource } from '../observe/tracing/resource.ts'
import type { Span } from '../observe/tracing/span.ts'
import type { SpanSender } from '../observe/tracing/span-batcher.ts'

/** Bytes of a collector's answer that are read. */
const MAX_ANSWER_BYTES = 64 * 1024

const compress = promisify(gzip)

/** A collector of spans: a URL that takes batches of them in JSON. */
export class TraceCollector implements SpanSender {
  readonly #call: OutboundCall
  readonly #url: string
  readonly #encode: (spans: readonly Span[], resource: TraceResource) => string
  readonly #resource: TraceResource
  readonly #isCompressed: boolean

  constructor(
    url: string,
    encode: (spans: readonly Span[], resource: TraceResource) => string,
    resource: TraceResource,
    isCompressed: boolean,
    env: OutboundEnv,
  ) {
    this.#call = new OutboundCall(url, env)
    this.#url = url
    this.#encode = encode
    this.#resource = resource
    this.#isCompressed = isCompressed
  }

  async send(spans: readonly Span[], timeoutMs: number): Promise<void> {
    const json = Buffer.from(this.#encode(spans, this.#resource))
    const body = this.#isCompressed ? await compress(json) : json
    const headers = ['Content-Type', 'application/json']
    if (this.#isCompressed) headers.push('Content-Encoding', 'gzip')
    const request = { method: 'POST', headers, body }
    const { status } = await this.#call.send(request, MAX_ANSWER_BYTES, timeoutMs, null)
    if (status >= 300) throw new GatewayError('TRACE_REFUSED', { url: this.#url, status })
  }

  close(): void {
    this.#call.close()
  }
}
