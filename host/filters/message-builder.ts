import type { JsonValue } from '../config/json.ts'
import { name, z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { FilterEnv } from './env.ts'
import type { Filter } from './filter.ts'
import { TemplateBuilder } from './template-builder.ts'
import { checkTemplate, type TemplateSpec, templateFields } from './template-fields.ts'

interface BuilderSpec extends TemplateSpec {
  readonly sourceNamespace: string
}

/** The fields of a builder of messages: a template of `what`, or the namespace to take the message from. */
export function builderSpec(what: string) {
  return z
    .strictObject({
      protocol: z
        .enum(['http'], { error: 'the only protocol is "http"' })
        .default('http')
        .describe('The protocol of the message.'),
      sourceNamespace: z
        .union([z.literal(''), name()])
        .default('')
        .describe('In place of a template: the namespace whose message is taken, not copied.'),
      ...templateFields(`the ${what}, in YAML`),
    })
    .superRefine(checkBuilder)
}

/** How a kind of message is put into a scope. What fails is the result `buildErr`. */
export interface MessageMaker {
  /** Shares the message of another namespace. */
  share(
    scope: MessageScope,
    source: string,
  ): 'buildErr' | undefined | Promise<'buildErr' | undefined>
  /** Puts in the one that the template has made; throws `refuseBuilt` for one that cannot be. */
  make(scope: MessageScope, data: JsonValue): void
}

/** A filter that puts a message into its namespace, by its template or from another namespace. */
export function messageBuilder(
  spec: BuilderSpec,
  env: FilterEnv,
  maker: MessageMaker,
): Filter<'buildErr'> {
  const { sourceNamespace } = spec
  if (sourceNamespace !== '') return { handle: (scope) => maker.share(scope, sourceNamespace) }
  const builder = new TemplateBuilder(spec, env)
  return {
    handle: (scope) =>
      builder.build(
        scope,
        (data): 'buildErr' | undefined => {
          maker.make(scope, data)
          return undefined
        },
        'buildErr',
      ),
  }
}

function checkBuilder(spec: BuilderSpec, context: z.core.$RefinementCtx<unknown>): void {
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
