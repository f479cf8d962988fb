import type { Collector, OtlpSpan } from './collector.ts'
import { Cleanup, until } from './gateway.ts'

/** A trace and a span of it, as a client may send them. */
export const TRACE = '0af7651916cd43dd8448eb211c80319c'
export const SPAN = 'b7ad6b7169203331'

/** The YAML of a server that traces to `exporter` at once, in front of a pipeline. */
export function yamlOf(tracing: string, pipeline: string): string {
  return `
kind: HTTPServer
name: server
port: 0
tracing:
  serviceName: shop
  batchLimits: { batchTimeout: 10 }
${tracing}
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
${pipeline}
`
}

/** Fields of `tracing`: an exporter to this collector, and more of them. */
export function otlp({ port }: Collector, more = ''): string {
  return `  exporter: { otlp: { protocol: http, endpoint: "127.0.0.1:${port}", insecure: true } }\n${more}`
}

/** The filters of a pipeline that is one Proxy; `more` are further fields of its pool. */
export function proxyTo(url: string, more = ''): string {
  return `filters: [{ name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${url}" }]${more} }] }]`
}

/** Waits for the span of the request, which ends last. */
export async function rootOf(collector: Collector): Promise<OtlpSpan> {
  await until(() => collector.spans.some(({ kind }) => kind === 2), 'a span of a request', 15_000)
  return collector.spans.find(({ kind }) => kind === 2) as OtlpSpan
}

/** Runs a test with a cleanup of its own. */
export async function each(run: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  const cleanup = new Cleanup()
  try {
    await run(cleanup)
  } finally {
    await cleanup.run()
  }
}
