import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { checkCoding, codingFields, compress, decompress } from './body-coding.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { compileRequestChange, type RequestChange, requestChange } from './request-change.ts'
import { signField, signRequest } from './signature/sign-request.ts'
import { Signer } from './signature/signer.ts'
import { builtFields, TemplateBuilder } from './template-builder.ts'
import { checkTemplate, TEMPLATE_NOTE, templateFields } from './template-fields.ts'

const fields = requestChange()
const templateShape = z.object(fields)

const spec = z
  .strictObject({
    ...fields,
    ...codingFields(),
    sign: signField().optional().describe('Sign the request, last of all.'),
    ...templateFields('method, host, path, header and body, which win over the fields beside it'),
  })
  .superRefine((checked, context) => {
    checkCoding(checked, context)
    checkTemplate(checked, context)
  })

type Spec = z.output<typeof spec>
type Result = 'decompressFailed' | 'compressFailed' | 'signFailed' | 'buildErr'

/** Changes a request before it goes on. */
export const requestAdaptor = defineFilter({
  kind: 'RequestAdaptor',
  description:
    'Changes method, host, path, headers and body of a request, its coding, and signs it.',
  results: ['decompressFailed', 'compressFailed', 'signFailed', 'buildErr'],
  example: `name: adapt
kind: RequestAdaptor
path: { trimPrefix: /api }
header:
  del: [X-Debug]
  set: { X-Gateway: penstock }
template: |
  header:
    set:
      X-User: {{.req.Header.Get "X-Authenticated-Userid"}}`,
  notes: [
    TEMPLATE_NOTE,
    '`signFailed` and `buildErr` may stand in `jumpIf`; Easegress returns the first and does not list it.',
    'Headers that belong to the host, such as `Content-Length` and `Connection`, cannot be set.',
  ],
  spec,
  create(checked, env) {
    if (checked.template === '' && !hasLastSteps(checked)) {
      const change = compileRequestChange(checked)
      return {
        handle({ request }: MessageScope) {
          change(request)
          return undefined
        },
      }
    }
    return new RequestAdaptor(checked, env)
  },
})

function hasLastSteps(checked: Spec): boolean {
  return checked.compress !== '' || checked.decompress !== '' || checked.sign !== undefined
}

/** The adaptor with a template, a coding or a signature: it may have to wait. */
class RequestAdaptor implements Filter<Result> {
  readonly #spec: Spec
  readonly #change: RequestChange
  readonly #builder: TemplateBuilder | null
  readonly #signer: Signer | null

  constructor(checked: Spec, env: FilterEnv) {
    this.#spec = checked
    this.#change = compileRequestChange(checked)
    this.#builder = checked.template === '' ? null : new TemplateBuilder(checked, env)
    this.#signer = checked.sign === undefined ? null : new Signer(checked.sign)
  }

  handle(scope: MessageScope): Result | undefined | Promise<Result | undefined> {
    if (this.#builder === null) {
      this.#change(scope.request)
      return this.#recode(scope)
    }
    const built = this.#builder.build<'buildErr' | undefined>(
      scope,
      (data) => {
        // What the template says wins; the rest is as configured.
        const built = builtFields(data, templateShape)
        compileRequestChange({ ...this.#spec, ...built })(scope.request)
        return undefined
      },
      'buildErr',
    )
    return built instanceof Promise
      ? built.then((result) => result ?? this.#recode(scope))
      : (built ?? this.#recode(scope))
  }

  #recode(scope: MessageScope): Result | undefined | Promise<Result | undefined> {
    if (this.#spec.compress !== '') compress(scope.request)
    if (this.#spec.decompress === '') return this.#sign(scope)
    const pending = decompress(scope.request, scope.exchange)
    return pending === undefined
      ? this.#sign(scope)
      : pending.then((result) => result ?? this.#sign(scope))
  }

  #sign(scope: MessageScope): undefined | Promise<'signFailed' | undefined> {
    if (this.#signer === null) return undefined
    return signRequest(this.#signer, scope, this.#spec.sign?.scopes ?? [])
  }
}
