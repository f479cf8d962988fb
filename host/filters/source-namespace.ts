import { name, z } from '../config/schema.ts'
import { checkTemplate, type TemplateSpec, templateFields } from './template-fields.ts'

/** The fields of a builder of messages: a template, or the namespace to take the message from. */
export function builderSpec(what: string) {
  return {
    sourceNamespace: z
      .union([z.literal(''), name()])
      .default('')
      .describe('In place of a template: the namespace whose message is taken, not copied.'),
    ...templateFields(`the ${what}, in YAML`),
  }
}

/** Only HTTP, which Easegress's field says too. */
export function httpOnly() {
  return z
    .enum(['http'], { error: 'the only protocol is "http"' })
    .default('http')
    .describe('The protocol of the message.')
}

export function checkBuilder(
  spec: TemplateSpec & { readonly sourceNamespace: string },
  context: z.core.$RefinementCtx<unknown>,
): void {
  const hasSource = spec.sourceNamespace !== ''
  if (hasSource === (spec.template !== '')) {
    const message = hasSource
      ? '`sourceNamespace` and `template` exclude each other'
      : 'a builder needs `template` or `sourceNamespace`'
    context.addIssue({
      code: 'custom',
      path: [hasSource ? 'sourceNamespace' : 'template'],
      message,
    })
  }
  checkTemplate(spec, context)
}
