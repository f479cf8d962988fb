import { text, wants, z } from '../config/schema.ts'

/** Every exporter: what it is called in the configuration. */
const EXPORTERS = ['otlp', 'zipkin'] as const

/** The path of OTLP over HTTP for traces. */
const OTLP_PATH = '/v1/traces'

/** A limit of a span: a negative one is none. */
function limit(fallback: number, what: string) {
  return z.int().default(fallback).describe(what)
}

/** `0` would never send, or never wait for an answer. */
function ms(fallback: number, what: string) {
  return z.int().min(1).max(3_600_000).default(fallback).describe(what)
}

function httpUrl() {
  return text().superRefine((url, context) => {
    if (isHttpUrl(url)) return
    context.addIssue({ code: 'custom', params: wants('a URL with http or https') })
  })
}

/** An exporter of Easegress that there is none of here. */
function missing(what: string) {
  return z
    .custom<undefined>((value) => value === undefined || value === null, {
      message: what,
      params: { at: 'key' },
    })
    .transform(() => undefined)
    .optional()
    .meta({ title: 'nothing yet', description: `An error: ${what}.` })
}

const otlp = z.strictObject({
  protocol: z
    .enum(['http'], {
      error: 'takes http: collectors take OTLP over HTTP on port 4318, gRPC is not supported',
    })
    .default('http')
    .describe('OTLP over HTTP, in JSON. There is no gRPC: a collector takes HTTP on port 4318.'),
  endpoint: text()
    .superRefine((endpoint, context) => {
      if (otlpUrl(endpoint, false) !== null) return
      context.addIssue({ code: 'custom', params: wants('a host and a port, or a URL') })
    })
    .describe(`Where the collector is: \`host:port\`, or a URL; its path is \`${OTLP_PATH}\`.`),
  insecure: z
    .boolean()
    .default(false)
    .describe('Speak plain HTTP with an `endpoint` that is no URL.'),
  compression: z.enum(['', 'gzip']).default('').describe('Compress what is sent.'),
})

const zipkin = z.strictObject({
  endpoint: httpUrl().describe(
    'The URL of the collector, such as `http://host:9411/api/v2/spans`.',
  ),
})

const oldZipkin = z.strictObject({
  serverURL: httpUrl().describe('The URL of the collector.'),
  sampleRate: z.number().min(0).max(1).describe('As the field of this name outside.'),
  hostport: z.string().optional().describe('Accepted and ignored.'),
  disableReport: z.boolean().optional().describe('Accepted and ignored.'),
  sameSpan: z.boolean().optional().describe('Accepted and ignored.'),
  id128Bit: z.boolean().optional().describe('Accepted and ignored.'),
})

const exporters = z
  .strictObject({
    otlp: otlp.optional().describe('OpenTelemetry: its collector, Jaeger, Tempo and most others.'),
    zipkin: zipkin.optional().describe('Zipkin, in its JSON v2.'),
    jaeger: missing(
      `\`jaeger\` is not supported: Jaeger takes OTLP itself, so use \`otlp\` with its port 4318; there is ${EXPORTERS.join(' and ')}`,
    ),
  })
  .superRefine((value, context) => {
    if (EXPORTERS.some((name) => value[name] !== undefined)) return
    const message = `\`exporter\` needs one of ${EXPORTERS.join(', ')}`
    context.addIssue({ code: 'custom', message })
  })

/** How an HTTPServer traces its requests. */
export const tracingSpec = z
  .strictObject({
    serviceName: text().describe('What the gateway is called in traces.'),
    attributes: z.record(z.string(), z.string()).optional().describe('Texts that all spans have.'),
    tags: z.record(z.string(), z.string()).optional().describe('The old name of `attributes`.'),
    sampleRate: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe('The share of traces that is kept; the id of a trace decides.'),
    headerFormat: z
      .enum(['trace-context', 'b3'])
      .default('trace-context')
      .describe('How a trace comes from clients and goes to upstreams: `traceparent`, or `b3`.'),
    exporter: exporters.optional().describe('Where spans are sent; to all that are given.'),
    zipkin: oldZipkin
      .optional()
      .describe('The old way to name a Zipkin, with `headerFormat: b3`; in place of `exporter`.'),
    spanLimits: z
      .strictObject({
        attributeValueLengthLimit: limit(
          -1,
          'Characters of a text; more are cut. A negative number cuts nothing.',
        ),
        attributeCountLimit: limit(
          128,
          'Attributes of a span; more are left out. A negative number is no limit.',
        ),
        eventCountLimit: limit(128, 'Accepted: spans have no events.'),
        linkCountLimit: limit(128, 'Accepted: spans have no links.'),
        attributePerEventCountLimit: limit(128, 'Accepted: spans have no events.'),
        attributePerLinkCountLimit: limit(128, 'Accepted: spans have no links.'),
      })
      .prefault({})
      .describe('What a span keeps at most.'),
    batchLimits: z
      .strictObject({
        maxQueueSize: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(2_048)
          .describe('Spans that wait to be sent; past it they are dropped and counted.'),
        batchTimeout: ms(5_000, 'Milliseconds a span waits for others.'),
        exportTimeout: ms(30_000, 'Milliseconds a collector has to take a batch.'),
        maxExportBatchSize: z
          .int()
          .min(1)
          .max(100_000)
          .default(512)
          .describe('Spans sent at once.'),
      })
      .prefault({})
      .describe('How spans are collected before they are sent.'),
  })
  .superRefine((spec, context) => {
    if (spec.exporter === undefined && spec.zipkin === undefined) {
      context.addIssue({ code: 'custom', path: ['exporter'], message: '`exporter` is missing' })
    }
    if (spec.exporter !== undefined && spec.zipkin !== undefined) {
      const message = '`exporter` and `zipkin` exclude each other: use `exporter`'
      context.addIssue({ code: 'custom', path: ['zipkin'], message })
    }
    if (spec.attributes !== undefined && spec.tags !== undefined) {
      const message = '`attributes` and `tags` exclude each other: use `attributes`'
      context.addIssue({ code: 'custom', path: ['tags'], message })
    }
  })

export type TracingSpec = z.output<typeof tracingSpec>

/** The URL for OTLP over HTTP; null when `endpoint` names none. */
export function otlpUrl(endpoint: string, isInsecure: boolean): string | null {
  const given = endpoint.includes('://')
    ? endpoint
    : `${isInsecure ? 'http' : 'https'}://${endpoint}`
  if (!isHttpUrl(given)) return null
  const url = new URL(given)
  if (url.pathname === '/') url.pathname = OTLP_PATH
  return url.href
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, host } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === '' && host !== ''
}
