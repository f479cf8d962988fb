import { parseYamlText } from '../config/document.ts'
import type { JsonValue } from '../config/json.ts'
import type { z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { collectBodies, exchangeRoot } from '../template/exchange-root.ts'
import { compileTemplate, type Template } from '../template/template.ts'
import type { FilterEnv } from './env.ts'
import type { TemplateSpec } from './template-fields.ts'

/** The template of a filter: compiled once, run for each exchange with what is in its namespaces. */
export class TemplateBuilder {
  readonly #template: Template
  readonly #env: FilterEnv

  constructor(spec: TemplateSpec, env: FilterEnv) {
    this.#template = compileTemplate(spec.template, spec)
    this.#env = env
  }

  /**
   * Runs `use` with the data that the text of the template is in YAML, after the bodies it reads have come.
   * Whatever goes wrong, here or in `use`, is logged and is the result `failed`.
   */
  build<R>(scope: MessageScope, use: (data: JsonValue) => R, failed: NoInfer<R>): R | Promise<R> {
    const run = (): R => {
      try {
        const root = exchangeRoot(scope, this.#env.data)
        return use(parse(this.#template.run(root, this.#env.log)))
      } catch (error) {
        return this.#fail(scope, error, failed)
      }
    }
    const waiting = collectBodies(scope.exchange, this.#template.reads)
    if (waiting === undefined) return run()
    return waiting.then(run, (error: unknown) => this.#fail(scope, error, failed))
  }

  #fail<R>(scope: MessageScope, error: unknown, failed: R): R {
    const { filter, log } = this.#env
    const { exchange } = scope
    log.warn({ requestId: exchange.id }, reasonOf(error))
    exchange.tag(`${filter}: ${reasonOf(error)}`)
    return failed
  }
}

function parse(text: string): JsonValue {
  try {
    return parseYamlText(text)
  } catch (error) {
    throw new GatewayError('TEMPLATE_BUILD', { reason: reasonOf(error) }, error)
  }
}

/** What a built document must look like is checked with this: it fails with TEMPLATE_BUILD. */
export function refuseBuilt(reason: string): GatewayError<'TEMPLATE_BUILD'> {
  return new GatewayError('TEMPLATE_BUILD', { reason })
}

/** The fields of a built document that are set, checked. Fails with TEMPLATE_BUILD. */
export function builtFields<S extends z.ZodObject>(
  data: JsonValue,
  shape: S,
): Partial<z.output<S>> {
  const parsed = shape.safeParse(data ?? {})
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw refuseBuilt(
      issue === undefined ? 'not valid' : `${issue.path.join('.')}: ${issue.message}`,
    )
  }
  const set = Object.entries(parsed.data).filter(([, value]) => value !== undefined && value !== '')
  // Some of its own fields, none with another type.
  return Object.fromEntries(set) as Partial<z.output<S>>
}
