import { z } from '../../host/config/schema.ts'
import { Body } from '../../host/exchange/body.ts'
import type { MessageScope } from '../../host/exchange/exchange.ts'
import { defineFilter } from '../../host/filters/filter.ts'

/** Bodies of the benchmark are whole: they never wait. */
const LIMIT = 4 * 1024 * 1024

/** The body filter of the plugin benchmark in JavaScript: read, change the first byte, write back. */
export const benchRewrite = defineFilter({
  kind: 'BenchRewrite',
  description: 'Reads and rewrites a body, in JavaScript.',
  results: [],
  example: 'name: rewrite\nkind: BenchRewrite',
  spec: z.strictObject({}),
  create: () => ({
    handle({ request }: MessageScope): undefined | Promise<undefined> {
      const bytes = request.body.collect(LIMIT)
      if (bytes instanceof Promise) {
        return bytes.then((late) => {
          request.body = rewritten(late)
          return undefined
        })
      }
      request.body = rewritten(bytes)
      return undefined
    },
  }),
})

function rewritten(bytes: Uint8Array): Body {
  const copy = Buffer.from(bytes)
  if (copy.length > 0) copy[0] = 0x21
  return Body.bytes(copy)
}
