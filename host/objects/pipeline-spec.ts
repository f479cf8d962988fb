import { isJsonObject, type JsonObject } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { name, objectFields, text, z } from '../config/schema.ts'
import type { PolicySpec } from '../resilience/policies.ts'
import { END } from '../traffic/flow.ts'
import { drainTimeout } from './drain-timeout-field.ts'
import { checkFlow } from './flow-check.ts'
import { flowField } from './flow-spec.ts'
import { checkModules } from './module-check.ts'
import { type CheckContext, defineObject, type FilterKindFacts, type SpecOf } from './object.ts'
import { PART_FIELDS } from './part-fields.ts'
import { checkRegistries } from './registry-check.ts'
import { checkResilience } from './resilience-check.ts'
import { checkStoredPlugin } from './stored-plugin-check.ts'

const partName = () => name().describe('Unique among its neighbors.')
const partKind = () => text().describe('Its kind, which decides about its other fields.')

const spec = z.strictObject({
  ...objectFields('Pipeline'),
  flow: flowField,
  filters: z
    .array(z.looseObject({ name: partName(), kind: partKind() }))
    .min(1)
    .describe(
      'The filters, each with a name, a kind and the fields of its kind; `version`, `labels` and `createdAt` are accepted and ignored.',
    ),
  resilience: z
    .array(z.looseObject({ name: partName(), kind: partKind() }))
    .default([])
    .describe(
      'Policies that filters refer to, each with a name, a kind and the fields of its kind.',
    ),
  data: z
    .record(z.string(), z.json())
    .default({})
    .describe('Values for templates, under `.data.PIPELINE`.'),
  drainTimeout: drainTimeout(),
})

/** One filter of a pipeline, checked against its kind. */
export interface FilterSpec {
  readonly name: string
  readonly kind: string
  /** The output of the kind's schema. */
  readonly spec: unknown
  /** The fields as JSON, `name` and `kind` among them: equal JSON means an equal filter. */
  readonly json: JsonObject
}

/** Pipeline without its running part: the fields of its document and the rules they follow. */
export const pipelineKind = defineObject({
  kind: 'Pipeline',
  description: 'Runs filters on a request, in the order of its flow.',
  category: 'pipeline',
  example: `kind: Pipeline
name: main
flow:
  - { filter: key, jumpIf: { invalid: sorry } }
  - filter: proxy
  - filter: END
  - filter: sorry
filters:
  - { name: key, kind: Validator, headers: { X-Api-Key: { values: [alpha] } } }
  - name: proxy
    kind: Proxy
    pools: [{ servers: [{ url: "http://127.0.0.1:9095" }], retryPolicy: again }]
  - { name: sorry, kind: Fallback, mockCode: 401, mockBody: no key }
resilience:
  - { name: again, kind: Retry, maxAttempts: 2, waitDuration: 50ms }
data: { region: north }`,
  notes: [
    'A node of the flow may have branches that run at the same time: `parallel`.',
    'A filter that is in no flow is a warning.',
    'A filter that cannot be made refuses the change: the former pipeline goes on.',
    'An unknown field is an error that names the nearest one; with `--compat easegress` it is a warning.',
  ],
  spec,
  check(data, context): { filters: readonly FilterSpec[]; resilience: readonly PolicySpec[] } {
    const filters = checkFilters(data['filters'], context)
    const resilience = checkResilience(data, context)
    checkRegistries(data['filters'], context)
    checkFlow(data, context, checkModules(data, context))
    return { filters, resilience }
  },
})

export type PipelineSpec = SpecOf<typeof pipelineKind>

/** The fields of a pipeline that stands inside another object: it has neither name nor kind. */
export const pipelineBody = pipelineKind.spec.omit({
  name: true,
  kind: true,
  version: true,
  labels: true,
  createdAt: true,
  drainTimeout: true,
})

function checkFilters(list: unknown, context: CheckContext): FilterSpec[] {
  const specs: FilterSpec[] = []
  const places = new Map<string, string>()
  if (!Array.isArray(list)) return specs
  for (const [index, json] of list.entries()) {
    if (!isJsonObject(json)) continue
    const path = ['filters', index]
    const { name: filter, kind } = json
    if (typeof filter === 'string') {
      const place = places.get(filter)
      const at = [...path, 'name']
      if (filter === END) {
        context.report({ path: at, message: 'no filter can be named END: it ends the flow' })
      } else if (place !== undefined) {
        const message = `"${filter}" is the name of another filter already, in ${place}`
        context.report({ path: at, message })
      } else places.set(filter, context.placeOf(at))
    }
    if (typeof kind !== 'string' || kind === '') continue
    const facts = context.filterKinds.find((one) => one.kind === kind)
    if (facts === undefined) {
      reportKind(kind, index, context)
      continue
    }
    const parsed = context.parse(facts.spec, path, PART_FIELDS)
    const { pluginField } = facts
    if (pluginField !== undefined) {
      checkStoredPlugin(json[pluginField], [...path, pluginField], context)
    }
    if (typeof filter === 'string') specs.push({ name: filter, kind, spec: parsed, json })
  }
  return specs
}

function reportKind(kind: string, index: number, context: CheckContext): void {
  const path = ['filters', index, 'kind']
  if (EASEGRESS_FILTER_KINDS.includes(kind)) {
    context.report({ path, message: `the filter kind "${kind}" is not supported yet` })
    return
  }
  const known = context.filterKinds.map((facts: FilterKindFacts) => facts.kind)
  context.report({
    path,
    message: `there is no filter kind "${kind}"`,
    suggestion: nearest(kind, known),
  })
}

/** Kinds of filters that Easegress has: using one is a wish, not a slip. */
export const EASEGRESS_FILTER_KINDS: readonly string[] = [
  'AIGatewayProxy',
  'CORSAdaptor',
  'CertExtractor',
  'ConnectControl',
  'DataBuilder',
  'Fallback',
  'FileServer',
  'GRPCProxy',
  'HeaderLookup',
  'HeaderToJSON',
  'Kafka',
  'KafkaMQTT',
  'MQTTClientAuth',
  'MeshAdaptor',
  'Mock',
  'OIDCAdaptor',
  'OPAFilter',
  'Proxy',
  'RateLimiter',
  'Redirector',
  'RedirectorV2',
  'RemoteFilter',
  'RequestAdaptor',
  'RequestBuilder',
  'ResponseAdaptor',
  'ResponseBuilder',
  'ResultBuilder',
  'SimpleHTTPProxy',
  'TopicMapper',
  'Validator',
  'WAF',
  'WasmHost',
  'WebSocketProxy',
]
