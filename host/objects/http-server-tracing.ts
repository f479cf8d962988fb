import { systemClock } from '../clock.ts'
import { b3 } from '../observe/tracing/b3.ts'
import { encodeOtlp } from '../observe/tracing/otlp-json.ts'
import type { TraceResource } from '../observe/tracing/resource.ts'
import type { Span } from '../observe/tracing/span.ts'
import { SpanBatcher } from '../observe/tracing/span-batcher.ts'
import { traceContext } from '../observe/tracing/trace-context.ts'
import { Tracer } from '../observe/tracing/tracer.ts'
import { encodeZipkin } from '../observe/tracing/zipkin-json.ts'
import type { Usage } from '../usage-pool.ts'
import type { ObjectEnv } from './generation.ts'
import type { HttpServerSpec } from './http-server-spec.ts'
import { TraceCollector } from './trace-collector.ts'
import { otlpUrl, type TracingSpec } from './tracing-spec.ts'

/** One collector a server sends its spans to. */
interface Exporter {
  readonly name: string
  readonly url: string
  readonly encode: (spans: readonly Span[], resource: TraceResource) => string
  readonly isCompressed: boolean
}

/** The tracer of a server, kept over changes of anything but its `tracing`; null when it does not trace. */
export function acquireTracer(server: HttpServerSpec, env: ObjectEnv): Usage<Tracer> | null {
  const { name, tracing } = server
  if (tracing === undefined) return null
  return env.clients.acquire(
    `tracer ${name} ${JSON.stringify(tracing)}`,
    () => createTracer(name, tracing, env),
    (unused) => unused.close(),
  )
}

function createTracer(server: string, spec: TracingSpec, env: ObjectEnv): Tracer {
  const { batchLimits, spanLimits, zipkin } = spec
  const resource: TraceResource = {
    serviceName: spec.serviceName,
    attributes: spec.attributes ?? spec.tags ?? {},
  }
  const limits = {
    maxQueueSize: batchLimits.maxQueueSize,
    batchTimeoutMs: batchLimits.batchTimeout,
    exportTimeoutMs: batchLimits.exportTimeout,
    maxExportBatchSize: batchLimits.maxExportBatchSize,
  }
  return new Tracer({
    sampleRate: zipkin?.sampleRate ?? spec.sampleRate,
    propagation: zipkin !== undefined || spec.headerFormat === 'b3' ? b3 : traceContext,
    limits: {
      attributeCount: spanLimits.attributeCountLimit,
      attributeValueLength: spanLimits.attributeValueLengthLimit,
    },
    outlets: exportersOf(spec).map(({ name, url, encode, isCompressed }) => {
      const collector = new TraceCollector(url, encode, resource, isCompressed, env)
      return new SpanBatcher(collector, limits, env.traceMeter.of(server, name, url, env.log))
    }),
    clock: systemClock,
  })
}

function exportersOf({ exporter, zipkin }: TracingSpec): Exporter[] {
  const found: Exporter[] = []
  const url = exporter?.zipkin?.endpoint ?? zipkin?.serverURL
  if (url !== undefined)
    found.push({ name: 'zipkin', url, encode: encodeZipkin, isCompressed: false })
  const otlp = exporter?.otlp
  if (otlp !== undefined) {
    found.push({
      name: 'otlp',
      // The schema has refused what is no address.
      url: otlpUrl(otlp.endpoint, otlp.insecure) ?? '',
      encode: encodeOtlp,
      isCompressed: otlp.compression === 'gzip',
    })
  }
  return found
}
