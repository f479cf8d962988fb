import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { defineFilter } from './filter.ts'
import { compileHeaderAdapt } from './header-adapt.ts'
import { headerAdapt } from './header-spec.ts'

/** Changes a response before it goes to the client. */
export const responseAdaptor = defineFilter({
  kind: 'ResponseAdaptor',
  description: 'Changes headers and body of the response; it stands after what made the response.',
  results: ['responseNotFound', 'decompressFailed', 'compressFailed'],
  spec: z.strictObject({
    header: headerAdapt().optional().describe('How headers change.'),
    body: z.string().optional().describe('The new body.'),
  }),
  create(spec) {
    const adaptHeaders = compileHeaderAdapt(spec.header)
    const body = spec.body === undefined ? null : Buffer.from(spec.body, 'utf8')
    return {
      handle({ response }: MessageScope) {
        if (response === null) return 'responseNotFound'
        adaptHeaders?.(response.headers)
        if (body !== null) {
          response.body.cancel(new Error('a filter replaced the body'))
          response.body = Body.bytes(body)
        }
        return undefined
      },
    }
  },
})
