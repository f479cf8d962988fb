import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fromData } from '../template/value.ts'
import { defineFilter } from './filter.ts'
import { TemplateBuilder } from './template-builder.ts'
import { checkTemplate, TEMPLATE_NOTE, templateFields } from './template-fields.ts'

/** Computes a value and keeps it for the templates of later filters. */
export const dataBuilder = defineFilter({
  kind: 'DataBuilder',
  description: 'Computes a value, which later templates of the same request find under `.data`.',
  results: ['buildErr'],
  requestUse: 'ignores',
  example: `name: order
kind: DataBuilder
dataKey: order
template: |
  id: {{.req.JSONBody.id}}
  total: {{mulf .req.JSONBody.price .req.JSONBody.count}}`,
  notes: [TEMPLATE_NOTE],
  spec: z
    .strictObject({
      dataKey: z
        .string()
        .min(1)
        .describe('The value is `.data.<dataKey>` for templates; PIPELINE is the pipeline’s own.'),
      ...templateFields('the value, in YAML'),
    })
    .superRefine((spec, context) => {
      if (spec.template === '') {
        const message = 'a DataBuilder needs `template`'
        context.addIssue({ code: 'custom', path: ['template'], message })
      }
      checkTemplate(spec, context)
    }),
  create(spec, env) {
    const builder = new TemplateBuilder(spec, env)
    return {
      handle: (scope: MessageScope) =>
        builder.build(
          scope,
          (data): 'buildErr' | undefined => {
            scope.exchange.putValue(spec.dataKey, fromData(data))
            return undefined
          },
          'buildErr',
        ),
    }
  },
})
