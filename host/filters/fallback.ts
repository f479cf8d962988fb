import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { defineFilter } from './filter.ts'
import { headerMap } from './header-spec.ts'

/** Turns the response that is there into a fixed one. */
export const fallback = defineFilter({
  kind: 'Fallback',
  description:
    'Gives the response a fixed status and body, and sets headers; for a jump from what failed.',
  results: ['fallback', 'responseNotFound'],
  requestUse: 'ignores',
  example: `name: sorry
kind: Fallback
mockCode: 200
mockHeaders: { Content-Type: application/json }
mockBody: '{"items": []}'`,
  notes: ['`Content-Encoding` of the response that is replaced is removed with its body.'],
  spec: z.strictObject({
    mockCode: z.int().min(200).max(599).describe('The status of the answer.'),
    mockHeaders: headerMap().describe('Headers to set; the others stay.'),
    mockBody: z.string().default('').describe('The body of the answer.'),
  }),
  create(spec) {
    const headers = Object.entries(spec.mockHeaders)
    const body = Buffer.from(spec.mockBody, 'utf8')
    return {
      handle({ response }: MessageScope) {
        if (response === null) return 'responseNotFound'
        response.status = spec.mockCode
        for (const [name, value] of headers) response.headers.set(name, value)
        // It said how the body that is gone was encoded.
        response.headers.remove('content-encoding')
        response.body.cancel('a filter replaced the body')
        response.body = Body.bytes(body)
        return 'fallback'
      },
    }
  },
})
