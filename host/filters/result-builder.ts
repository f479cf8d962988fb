import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { defineFilter } from './filter.ts'
import { refuseBuilt, TemplateBuilder } from './template-builder.ts'
import { checkTemplate, TEMPLATE_NOTE, templateFields } from './template-fields.ts'

const RESULTS = [
  'result0',
  'result1',
  'result2',
  'result3',
  'result4',
  'result5',
  'result6',
  'result7',
  'result8',
  'result9',
  'unknown',
  'buildErr',
] as const

type Result = (typeof RESULTS)[number]

/** Decides by a template where the flow goes on. */
export const resultBuilder = defineFilter({
  kind: 'ResultBuilder',
  description: 'Computes its own result, so that `jumpIf` can branch on anything a template sees.',
  results: RESULTS,
  requestUse: 'ignores',
  example: `name: decide
kind: ResultBuilder
template: |
  {{if eq .req.JSONBody.kind "refund"}}result1{{else}}result0{{end}}`,
  notes: [TEMPLATE_NOTE],
  spec: z
    .strictObject(templateFields('one of result0 to result9, or nothing to go on'))
    .superRefine(checkTemplate),
  create(spec, env) {
    const builder = new TemplateBuilder(spec, env)
    return {
      handle: (scope: MessageScope) =>
        builder.build<Result | undefined>(
          scope,
          (data) => {
            if (data === null || data === '') return undefined
            if (typeof data === 'object') throw refuseBuilt('a result is text, not a map or a list')
            return isResult(data) ? data : 'unknown'
          },
          'buildErr',
        ),
    }
  },
})

function isResult(data: unknown): data is Result {
  return /^result\d$/.test(String(data))
}
