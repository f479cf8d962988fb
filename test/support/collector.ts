import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Cleanup } from './gateway.ts'

/** A span as OTLP has it, as much as tests look at. */
export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: Record<string, string> }[]
  readonly droppedAttributesCount?: number
  readonly status: { readonly code?: number; readonly message?: string }
}

/** A span as Zipkin has it. */
export interface ZipkinSpan {
  readonly traceId: string
  readonly id: string
  readonly parentId?: string
  readonly name: string
  readonly kind?: string
  readonly timestamp: number
  readonly duration: number
  readonly localEndpoint: { readonly serviceName: string }
  readonly tags: Record<string, string>
}

export interface Batch {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly json: unknown
}

/** What takes spans over HTTP: it keeps every batch. */
export interface Collector {
  readonly url: string
  readonly port: number
  readonly server: Server
  readonly batches: Batch[]
  /** What the next batches are answered with; null lets them wait for ever. */
  status: number | null
  /** The spans of all batches, whichever the format. */
  readonly spans: OtlpSpan[]
  readonly zipkinSpans: ZipkinSpan[]
}

export async function startCollector(cleanup: Cleanup): Promise<Collector> {
  const batches: Batch[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      const isPacked = request.headers['content-encoding'] === 'gzip'
      const json: unknown = JSON.parse((isPacked ? gunzipSync(bytes) : bytes).toString('utf8'))
      batches.push({ path: request.url ?? '', headers: request.headers, json })
      if (collector.status === null) return
      response.writeHead(collector.status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const collector: Collector = {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    batches,
    status: 200,
    get spans() {
      return batches.flatMap(({ json }) => otlpSpans(json))
    },
    get zipkinSpans() {
      return batches.flatMap(({ json }) => json as ZipkinSpan[])
    },
  }
  return collector
}

/** The value of an attribute as text; undefined when there is none. */
export function attributeOf(span: OtlpSpan | undefined, key: string): string | undefined {
  const value = span?.attributes.find((one) => one.key === key)?.value
  return value === undefined ? undefined : Object.values(value)[0]
}

interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

function otlpSpans(json: unknown): OtlpSpan[] {
  const { resourceSpans } = json as OtlpBody
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
}
