import { z } from '../../host/config/schema.ts'
import type { MessageScope } from '../../host/exchange/exchange.ts'
import { defineFilter } from '../../host/filters/filter.ts'
import { openExtism } from '../peers/extism.ts'
import { GUESTS } from './guests.ts'

/** The filter of the plugin benchmark in JavaScript: what a plugin cannot beat. */
export const benchStamp = defineFilter({
  kind: 'BenchStamp',
  description: 'Three header reads and two writes, in JavaScript.',
  results: [],
  example: 'name: stamp\nkind: BenchStamp',
  spec: z.strictObject({}),
  create: () => ({
    handle(scope: MessageScope): undefined {
      const { headers } = scope.request
      const authorization = headers.get('authorization')
      const agent = headers.get('user-agent')
      const id = headers.get('x-request-id')
      const isKnown =
        authorization !== undefined && agent !== undefined && authorization.startsWith('Bearer ')
      headers.set('x-filter', isKnown ? 'known' : 'unknown')
      headers.set('x-trace', id ?? 'none')
      return undefined
    },
  }),
})

/** The same through Extism, in the event loop or in Extism's own worker. */
export const benchExtism = defineFilter({
  kind: 'BenchExtism',
  description: 'Three header reads and two writes, in an Extism plugin.',
  results: [],
  example: 'name: stamp\nkind: BenchExtism',
  spec: z.strictObject({ runInWorker: z.boolean() }),
  async create(spec) {
    const extism = await openExtism(GUESTS.stampExtism, spec.runInWorker)
    return {
      async handle(scope: MessageScope): Promise<undefined> {
        const { headers } = scope.request
        const { list } = headers
        let head = '\n'
        for (let i = 0; i < list.length; i += 2) {
          head += `${(list[i] as string).toLowerCase()}: ${list[i + 1]}\n`
        }
        const output = await extism.call('stamp', head)
        for (const line of output.split('\n')) {
          const colon = line.indexOf(': ')
          headers.set(line.slice(0, colon), line.slice(colon + 2))
        }
        return undefined
      },
      close: () => extism.close(),
    }
  },
})
