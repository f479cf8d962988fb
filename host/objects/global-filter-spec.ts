import { isJsonObject } from '../config/json.ts'
import { objectFields, z } from '../config/schema.ts'
import { drainTimeout } from './drain-timeout-field.ts'
import { nestedContext } from './nested-context.ts'
import { defineObject, type SpecOf } from './object.ts'
import { pipelineBody, pipelineKind } from './pipeline-spec.ts'

type Parts = NonNullable<ReturnType<NonNullable<typeof pipelineKind.check>>>

const spec = z.strictObject({
  ...objectFields('GlobalFilter'),
  beforePipeline: pipelineBody
    .optional()
    .describe('A pipeline that runs before that of the route.')
    .meta({ 'x-see': 'Pipeline' }),
  afterPipeline: pipelineBody
    .optional()
    .describe('A pipeline that runs after that of the route.')
    .meta({ 'x-see': 'Pipeline' }),
  fallthrough: z
    .strictObject({
      beforePipeline: z
        .boolean()
        .default(false)
        .describe('Go on with the pipeline of the route though beforePipeline has ended at END.'),
      pipeline: z
        .boolean()
        .default(false)
        .describe('Go on with afterPipeline though what ran before it has ended at END.'),
    })
    .prefault({})
    .describe('What an END, or a result without a jump, does not stop.'),
  drainTimeout: drainTimeout(),
})

/** GlobalFilter without its running part: the fields of its document and the rules they follow. */
export const globalFilterKind = defineObject({
  kind: 'GlobalFilter',
  description: 'Runs a pipeline before, and one after, the pipelines of the servers that name it.',
  category: 'pipeline',
  example: `kind: GlobalFilter
name: everywhere
beforePipeline:
  filters:
    - name: limit
      kind: RateLimiter
      policies: [{ name: all, limitForPeriod: 1000, limitRefreshPeriod: 1s }]
      defaultPolicyRef: all
      urls: [{ url: { prefix: / } }]
afterPipeline:
  filters:
    - { name: tidy, kind: ResponseAdaptor, header: { del: [Server] } }`,
  notes: [
    'A server whose GlobalFilter is gone answers 503; Easegress passes it over, and what it should have stopped comes through.',
  ],
  spec,
  check(data, context): { before: Parts | null; after: Parts | null } {
    const parts = (field: 'beforePipeline' | 'afterPipeline'): Parts | null => {
      const part = data[field]
      if (!isJsonObject(part)) return null
      return pipelineKind.check?.(part, nestedContext(context, [field])) ?? null
    }
    if (data['beforePipeline'] == null && data['afterPipeline'] == null) {
      const message = 'a GlobalFilter needs `beforePipeline` or `afterPipeline`, or it does nothing'
      context.report({ path: ['name'], message })
    }
    return { before: parts('beforePipeline'), after: parts('afterPipeline') }
  },
})

export type GlobalFilterSpec = SpecOf<typeof globalFilterKind>
