import { z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import { compileTemplate } from '../template/template.ts'

/** In what templates differ from those of Easegress, for the reference pages of their filters. */
export const TEMPLATE_NOTE =
  'A template does not read the environment (`env`, `expandenv`; write `${env:NAME}` in the configuration) and asks no name servers, and its steps, depth and output are limited.'

/** The fields of a filter that has a template. */
export function templateFields(what: string) {
  return {
    template: z
      .string()
      .default('')
      .describe(`A Go template (text/template, with sprig's functions) that gives ${what}.`),
    leftDelim: z.string().default('').describe('What begins an action; `{{` when empty.'),
    rightDelim: z.string().default('').describe('What ends an action; `}}` when empty.'),
  }
}

export interface TemplateSpec {
  readonly template: string
  readonly leftDelim: string
  readonly rightDelim: string
}

/** Reports a template that cannot be read, so that a mistake in it is found before a request finds it. */
export function checkTemplate(spec: TemplateSpec, context: z.core.$RefinementCtx<unknown>): void {
  if (spec.template === '') return
  try {
    compileTemplate(spec.template, spec)
  } catch (error) {
    context.addIssue({ code: 'custom', path: ['template'], message: reasonOf(error) })
  }
}
