import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'
import { checkCoding, codingFields, compress, decompress } from './body-coding.ts'
import { defineFilter } from './filter.ts'
import { compileHeaderAdapt, type HeaderAdaptSpec } from './header-adapt.ts'
import { headerAdapt } from './header-spec.ts'
import { builtFields, TemplateBuilder } from './template-builder.ts'
import { checkTemplate, TEMPLATE_NOTE, templateFields } from './template-fields.ts'

const fields = {
  header: headerAdapt().optional().describe('How headers change.'),
  body: z.string().optional().describe('The new body.'),
}

const templateShape = z.object(fields)

type Result = 'decompressFailed' | 'buildErr' | undefined

/** Changes a response before it goes to the client. */
export const responseAdaptor = defineFilter({
  kind: 'ResponseAdaptor',
  description:
    'Changes headers and body of the response, and its coding; it stands after what made the response.',
  results: ['responseNotFound', 'decompressFailed', 'compressFailed', 'buildErr'],
  requestUse: 'ignores',
  example: `name: tidy
kind: ResponseAdaptor
header:
  del: [Server]
  set: { Cache-Control: no-store }
compress: gzip`,
  notes: [
    TEMPLATE_NOTE,
    '`buildErr` may stand in `jumpIf`.',
    'Headers that belong to the host, such as `Content-Length` and `Connection`, cannot be set.',
  ],
  spec: z
    .strictObject({
      ...fields,
      ...codingFields(),
      ...templateFields('header and body, which win over the fields beside it'),
    })
    .superRefine((spec, context) => {
      checkCoding(spec, context)
      checkTemplate(spec, context)
    }),
  create(spec, env) {
    const change = compileChange(spec)
    const builder = spec.template === '' ? null : new TemplateBuilder(spec, env)
    const recode = (scope: MessageScope, response: Response): Result | Promise<Result> => {
      if (spec.compress !== '') compress(response)
      return spec.decompress === '' ? undefined : decompress(response, scope.exchange)
    }
    return {
      handle(scope: MessageScope): 'responseNotFound' | Result | Promise<Result> {
        const { response } = scope
        if (response === null) return 'responseNotFound'
        if (builder === null) {
          change(response)
          return recode(scope, response)
        }
        const built = builder.build<'buildErr' | undefined>(
          scope,
          (data) => {
            compileChange({ ...spec, ...builtFields(data, templateShape) })(response)
            return undefined
          },
          'buildErr',
        )
        return built instanceof Promise
          ? built.then((result) => result ?? recode(scope, response))
          : (built ?? recode(scope, response))
      },
    }
  },
})

function compileChange(spec: {
  readonly header?: HeaderAdaptSpec | undefined
  readonly body?: string | undefined
}): (response: Response) => void {
  const adaptHeaders = compileHeaderAdapt(spec.header)
  const body = spec.body === undefined ? null : Buffer.from(spec.body, 'utf8')
  return (response) => {
    adaptHeaders?.(response.headers)
    if (body === null) return
    response.body.cancel('a filter replaced the body')
    response.body = Body.bytes(body)
    // It said how the body that is gone was encoded.
    if (response.headers.has('content-encoding')) response.headers.remove('content-encoding')
  }
}
